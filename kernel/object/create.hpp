// Making objects: storage from the payer, a slot in the domain, the creating capability. Everything is had before
// anything is visible, so that a failure leaves nothing behind.
#pragma once

#include <new>
#include <utility>

#include "kernel/object/kernel.hpp"

namespace fb::kernel::object {

using core::Result;
using core::cap::Handle;

/// A free entry in the domain's capability space; grows the space by a page of its budget when there is none.
/// Errors: NoMemory, NoSlots, Gone.
[[gnu::cold, clang::preserve_most]] Result<Entry*> reserve_slot_slowly(Kernel& kernel, Domain& domain);
[[gnu::always_inline]] inline Result<Entry*> reserve_slot(Kernel& kernel, Domain& domain) {
  if (const auto entry = domain.space.reserve()) [[likely]]
    return entry;
  return reserve_slot_slowly(kernel, domain);
}

/// Gives a new space its directory page and first entries. Errors: NoMemory.
Result<> furnish(Kernel& kernel, Domain& domain);

/// The rights of the creating capability of a type; with ONCE, so that it can hand out capabilities for one use (CAP-5).
inline Rights creating_rights(ObjectType type) { return abi::kRightsOf(type).join(core::cap::Right::Once); }

/// Makes a T paid by `domain`'s budget and plants its creating capability, with `rights`, in `domain`.
template <class T>
struct Created {
  T* object;
  Entry* entry;
  [[nodiscard]] Handle handle() const { return CapSpace::handle_of(entry); }
};

template <class T, class... Args>
Result<Created<T>> prepare(Kernel& kernel, Domain& domain, Args&&... args) {
  FB_ASSIGN(Entry* const entry, reserve_slot(kernel, domain));
  const auto storage = domain.budget->account.allocate(kernel.memory, core::ByteCount(sizeof(T)));
  if (!storage) {
    domain.space.release(entry);
    return core::fail(storage.error());
  }
  return Created<T>{::new (*storage) T(*domain.budget, std::forward<Args>(args)...), entry};
}
/// Undoes `prepare`.
template <class T>
void discard(Kernel& kernel, Domain& domain, const Created<T>& made) {
  domain.budget->account.free(kernel.memory, made.object);
  domain.space.release(made.entry);
}
template <class T>
Handle publish(const Created<T>& made, Rights rights) {
  CapTree::plant(made.entry, *made.object, rights);
  return made.handle();
}

}  // namespace fb::kernel::object

// What a capability holds up: mappings, contexts' areas and address spaces, event sources. When the capability goes,
// what hangs on its entry is undone (CAP-3).
#pragma once

#include <cstdint>

#include "kernel/object/capability.hpp"

namespace fb::kernel::object {

/// The member of an object, or the shadow of a page-table entry, that hangs on a capability's entry. 16 bytes, linked
/// by physical address / 16: frames below kMaxPhysical only. Guarded by the lock of the object the capability names.
struct alignas(16) Binding {
  enum class Kind : std::uint32_t {
    None,
    Mapping,
    ContextArea,
    ContextSpace,
    ContextEvent,
    EventWaiter,
    Watch,
    Source
  };

  core::cap::EntryIndex entry{};  ///< what it hangs on; 0: nothing
  std::uint32_t next = 0, prev = 0;
  Kind kind = Kind::None;

  [[nodiscard]] bool bound() const { return entry != core::cap::EntryIndex(0); }
  [[nodiscard]] Entry* holder() const { return bound() ? CapMachine::entry_at(entry) : nullptr; }

  /// The caller holds the object's lock and has re-validated the entry under it.
  void attach(Entry& to, Kind what) {
    entry = CapMachine::index_of(&to);
    kind = what;
    prev = 0;
    next = to.bindings == nullptr ? 0 : number(static_cast<const Binding*>(to.bindings));
    if (next != 0) at(next)->prev = number(this);
    to.bindings = this;
  }
  /// The same for `count` neighbours, `first` and those behind it.
  static void attach_all(Binding* first, std::uint32_t count, Entry& to, Kind what) {
    if (count == 0) return;
    const auto index = CapMachine::index_of(&to);
    auto* const old = static_cast<Binding*>(to.bindings);
    const auto start = number(first);
    for (std::uint32_t i = 0; i < count; ++i)
      first[i] = {.entry = index, .next = start + i - 1, .prev = start + i + 1, .kind = what};
    first[0].next = old == nullptr ? 0 : number(old);
    if (old != nullptr) old->prev = start;
    first[count - 1].prev = 0;
    to.bindings = &first[count - 1];
  }
  void detach() {
    if (!bound()) return;
    if (prev != 0) {
      at(prev)->next = next;
    } else {
      holder()->bindings = next == 0 ? nullptr : at(next);
    }
    if (next != 0) at(next)->prev = prev;
    entry = core::cap::EntryIndex(0);
  }

 private:
  static Binding* at(std::uint32_t number) {
    return arch::direct<Binding>(core::PhysAddr(std::uint64_t{number} * sizeof(Binding)));
  }
  static std::uint32_t number(const Binding* binding) {
    return static_cast<std::uint32_t>(arch::direct_to_physical(binding).raw() / sizeof(Binding));
  }
};
static_assert(sizeof(Binding) == 16);

}  // namespace fb::kernel::object

#include <utility>

#include "kernel/syscall/calls.hpp"

extern "C" [[noreturn]] void settle_claims(std::uint64_t status, std::uint64_t value);

namespace fb::kernel::syscall {

Result<Word> Calls::cap_query(Ref<object::Object> cap) {
  return cap.entry->rights().raw() | Word{cap.object->type.raw()} << 32 | Word{cap.entry->depth} << 40;
}

Result<> Calls::end(Entry* entry) {
  if (!reap::end(*this, current()->cleanup, *entry)) return {};  // it has ended, by somebody else
  if (!in_batch) leave(0, 0);
  // The rest of the batch may rely on it: it is done here, letting interrupts in, and what they want waits for the end.
  // But not when the context is to stop, perhaps for what it gives up: the clean-up may be waiting for just that.
  while (current()->cleanup.pending() && !must_leave()) (void)reap::work(*this, *current());
  return {};
}

void Calls::settle(bool succeeded) {
  for (auto left = std::exchange(claims, 0); left > 0; --left) {
    if (!reap::settle(*this, current()->cleanup, *claimed[left - 1], succeeded)) continue;
    // It has no descendants: one step, unless this context is to stop, which the step may be waiting for.
    while (current()->cleanup.pending() && !must_leave()) (void)reap::work(*this, *current());
  }
}

}  // namespace fb::kernel::syscall

void settle_claims(std::uint64_t status, std::uint64_t value) {
  auto& call = fb::kernel::syscall::Calls::enter();
  call.current()->by_syscall = true;
  call.current()->set_result(status, value);
  call.settle(status == 0);
  fb::kernel::syscall::dispatch(call);
}

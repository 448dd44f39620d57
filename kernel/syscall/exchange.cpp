// exo_event_exchange: signal and wait, with nothing in between (C2.10, C2.11). arch/x86_64/switching.S has checked what
// the short way is called with.
#include "kernel/sched/turn.hpp"
#include "kernel/syscall/calls.hpp"

extern "C" {
[[noreturn]] void event_exchange_slowly(std::uint64_t target, std::uint64_t bits, std::uint64_t event,
                                        std::uint64_t mask, std::uint64_t deadline);
[[noreturn, clang::preserve_none]] void exchange_events(fb::kernel::object::Context* context,
                                                        fb::kernel::object::Event* event,
                                                        fb::kernel::object::Event* target, std::uint64_t mask,
                                                        std::uint64_t deadline, std::uint64_t bits);
}

namespace fb::kernel::syscall {

using core::event::EventBits;

namespace {

[[noreturn, gnu::always_inline]] inline void exchange(Calls& call, Context& context, object::Event& target,
                                                      EventBits bits, object::Event& event, EventBits mask,
                                                      core::Ticks deadline) {
  sched::signal_and_look(call, target, bits);
  const auto waited = sched::wait(call, context, event, mask, deadline);
  if (waited && waited->waiting) [[likely]] {
    if (call.claims == 0) [[likely]]
      sched::leave_after_wait(call);
    call.give_way();
  }
  call.conclude_after_signal(abi::fold<abi::EventBits>(
      waited.transform([](const auto& taken) { return abi::EventBits(taken.bits.raw()); })));
}

}  // namespace

/// The end of a call that has perhaps woken somebody who comes first.
void Calls::conclude_after_signal(Reply reply) {
  if (claims != 0) [[unlikely]] {  // used, whatever became of the wait: who got the signal has it (CAP-5)
    current()->by_syscall = true;
    current()->set_result(reply.status, reply.value);
    settle(true);
    dispatch(*this);
  }
  if (slices.should_preempt(slot) || recheck.load(std::memory_order_relaxed))
    leave(reply.status, reply.value);
  conclude(reply);
}

Result<abi::EventBits> Calls::event_exchange(Ref<object::Event> target, abi::EventBits bits,
                                             Ref<object::Event> event, abi::EventBits mask,
                                             Nanoseconds deadline) {
  if (mask.raw() == 0) return core::fail(Error::BadArgument);
  FB_TRY(hang_wait(event));
  if (claims == 0) {
    current()->last_target = {object::CapSpace::handle_of(target.entry), target.entry, target.object};
    current()->last_event = {object::CapSpace::handle_of(event.entry), event.entry, event.object};
  }
  exchange(*this, *current(), *target, EventBits(bits.raw()), *event, EventBits(mask.raw()), ticks(deadline));
}

}  // namespace fb::kernel::syscall

void exchange_events(fb::kernel::object::Context* context, fb::kernel::object::Event* event,
                     fb::kernel::object::Event* target, std::uint64_t mask, std::uint64_t deadline,
                     std::uint64_t bits) {
  using namespace fb::kernel::syscall;
  auto& call = Calls::enter();
  if (mask == 0) [[unlikely]]
    call.conclude(fb::abi::refuse(Error::BadArgument));
  exchange(call, *context, *target, EventBits(bits), *event, EventBits(mask),
           call.ticks(fb::core::Nanoseconds(deadline)));
}

void event_exchange_slowly(std::uint64_t target, std::uint64_t bits, std::uint64_t event, std::uint64_t mask,
                           std::uint64_t deadline) {
  using namespace fb::kernel::syscall;
  Calls::enter().conclude(fb::abi::decode_event_exchange<Calls>(target, bits, event, mask, deadline, 0));
}

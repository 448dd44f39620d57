// Signals, waits and the time-outs of one CPU (C2.10, C2.11, C2.22, C2.23).
#pragma once

#include "kernel/sched/slices.hpp"

namespace fb::kernel::sched {

using core::event::EventBits;
using object::Signals;

/// Ors `bits` into the event: waiters whose mask they meet take them and become ready; a carrier that runs a program
/// on another CPU is kicked. The caller holds no lock of rank Event or below.
void signal(Cpu& cpu, Signals& event, EventBits bits);
/// The same, as part of a call after which this CPU looks who should run in any case.
inline void signal_and_look(Cpu& cpu, Signals& event, EventBits bits);
void signal_slowly(Cpu& cpu, Signals& event, EventBits bits);
/// Ends the wait of a context that an event has given `bits`.
void wake(Cpu& cpu, Context& context, EventBits bits);

/// Takes pending bits of `mask` at once, or makes the current context wait until `deadline`: then its saved registers
/// will hold the result, and the caller goes to choose().
/// Errors: TimedOut (the deadline has passed already), Limit (too many wait for this event already: a signal looks at
/// each, with interrupts off).
struct Waited {
  EventBits bits;
  bool waiting;
};
inline core::Result<Waited> wait(Cpu& cpu, Context& context, Signals& event, EventBits mask, Ticks deadline);

/// Ends a wait with `error`. False if it had been woken already. No lock is held.
bool cancel_wait(Cpu& cpu, Context& context, core::Error error);
/// The same, if that is still its wait with this number.
bool time_out(Cpu& cpu, Context& context, std::uint64_t wait_number);

/// Arms, re-arms or (deadline ~0) disarms a timer on this CPU.
void arm_timer(Cpu& cpu, object::Timer& timer, Ticks deadline, Ticks period);
/// Lets a TIMER operation complete at `deadline`.
void arm_completion(Cpu& cpu, object::AsyncOp& op, Ticks deadline);
/// Lets an EVENT operation complete when one of `bits` is pending. Errors: Limit.
core::Result<> begin_watch(Cpu& cpu, object::AsyncOp& op, Signals& event, EventBits bits);
/// The operation no longer waits for its event; it fails with `error` if it still did.
void end_watch(Cpu& cpu, object::AsyncOp& op, core::Error error);
/// An operation has its outcome: wakes everyone who waits for it.
void announce(Cpu& cpu, object::AsyncOp& op);
/// The same, and signals whoever asked for a signal.
void completed(Cpu& cpu, object::AsyncOp& op);
/// Handles time-outs and timers that are due: a bounded number; the rest at the next interrupt, which comes at once.
void expire(Cpu& cpu);

/// False if the deadline has passed. The event's lock is held.
bool set_time_out(Cpu& cpu, Context& context, Ticks deadline);

[[gnu::always_inline]] inline void signal_and_look(Cpu& cpu, Signals& event, EventBits bits) {
  {
    const core::Guard guard(event.set_lock);
    const auto wake_only = [&](Context& only) {
      event.waiters = 0;
      if (!only.waits_plainly || only.home != cpu.id) [[unlikely]]
        return wake(cpu, only, only.wait.taken);
      only.waiting_on = nullptr;
      only.set_result(0, only.wait.taken.raw());
      only.state.store(RunState(Chain::Idle), std::memory_order_release);
      cpu.slices.set_ready(only.slots, true);
    };
    if (event.waiters == 1 && event.carrier == nullptr && event.set.signal_only(bits, wake_only)) [[likely]]
      return;
  }
  signal_slowly(cpu, event, bits);
}

[[gnu::always_inline]] inline core::Result<Waited> wait(Cpu& cpu, Context& context, Signals& event,
                                                        EventBits mask, Ticks deadline) {
  const core::Guard guard(event.set_lock);
  // Nobody signals while the lock is held, so what follows is as good as done before the context is queued.
  EventBits bits;
  if (event.waiters == 0) [[likely]] {
    bits = event.set.enqueue_first(context, mask);
  } else if (event.waiters < event.most_waiters) {
    bits = event.set.enqueue(context, mask);
  } else if (bits = event.set.take(mask); bits.empty()) {
    return core::fail(core::Error::Limit);
  }
  if (!bits.empty()) [[unlikely]]
    return Waited{bits, false};
  context.wait_number += 1;
  if (deadline != Cpu::kIdleDeadline && !set_time_out(cpu, context, deadline)) [[unlikely]] {
    event.set.cancel(context);
    return core::fail(core::Error::TimedOut);
  }
  event.waiters += 1;
  context.waits_plainly =
      deadline == Cpu::kIdleDeadline && context.awaits == nullptr && context.caller == nullptr;
  begin_wait(cpu, context);
  context.waiting_on = &event;
  context.by_syscall = true;
  return Waited{EventBits(), true};
}

}  // namespace fb::kernel::sched

// Signals, waits and the time-outs of one CPU (C2.10, C2.11, C2.22, C2.23).
#pragma once

#include "kernel/sched/slices.hpp"

namespace fb::kernel::sched {

using core::event::EventBits;
using object::Signals;

/// Ors `bits` into the event: waiters whose mask they meet take them and become ready; a carrier that runs a program
/// on another CPU is kicked. The caller holds no lock of rank Event or below.
void signal(Cpu& cpu, Signals& event, EventBits bits);
void signal_slowly(Cpu& cpu, Signals& event, EventBits bits);

/// Takes pending bits of `mask` at once, or makes the current context wait until `deadline`: then its saved registers
/// will hold the result, and the caller goes to choose().
/// Errors: TimedOut (the deadline has passed already), Limit (too many wait for this event already: a signal looks at
/// each, with interrupts off).
struct Waited {
  EventBits bits;
  bool waiting;
};
core::Result<Waited> wait(Cpu& cpu, Context& context, Signals& event, EventBits mask, Ticks deadline);

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
/// An operation has its outcome: tells whoever waits for it or asked for a signal.
void completed(Cpu& cpu, object::AsyncOp& op);
/// Handles time-outs and timers that are due: a bounded number; the rest at the next interrupt, which comes at once.
void expire(Cpu& cpu);

}  // namespace fb::kernel::sched

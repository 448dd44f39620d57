// The slices of one CPU and the runs inside them (DESIGN §5 "CPU time", §6).
#pragma once

#include "kernel/sched/switch.hpp"

namespace fb::kernel::sched {

using abi::Stop;
using core::Ticks;
using object::Chain;
using object::Level;
using object::RunState;

/// Ends the runs above `level`: each program goes idle; the carrier of level + 1 is told `reason`, those above
/// INTERRUPTED. Carriers learn it as the result of their context_run when they run again.
void unwind(Cpu& cpu, unsigned level, Stop reason);

/// Ends what must end now: runs whose deadline has passed, whose carrier has an event or whose context is to stop; the
/// slice, when it is used up or a wake-up with credit comes first.
void reconsider(Cpu& cpu);

/// The current slice's owner gives the CPU up; nothing runs above level 0. Its slice counts as used if `used_up`.
void put_down(Cpu& cpu, bool used_up);

/// Who should have this CPU now: the running slice's top context goes on, or the next slice is taken; null when there
/// is nobody. No lock is held. The context's chain is Running on this CPU.
Context* choose(Cpu& cpu);
/// Sleeps until an interrupt, unless somebody has asked to look again.
void sleep(Cpu& cpu);

/// A chain that waited, or was stopped and has been started, may run. Its registers hold what it will see.
void make_ready(Cpu& cpu, Context& base);
/// The current context waits: its chain's state becomes Waiting. What it waits for must not be able to wake it before
/// this returns (the event's lock is held).
inline void begin_wait(Cpu& cpu, Context& context) {
  Context& base = context.caller == nullptr ? context : context.base();
  base.state.store(RunState(Chain::Waiting), std::memory_order_release);
  if (!base.slots.empty()) cpu.slices.set_ready(base.slots, false);
}

/// Arms the CPU's timer for `deadline` if that is earlier than what it is armed for.
inline void arm_by(Cpu& cpu, Ticks deadline) {
  if (deadline >= cpu.armed) return;
  cpu.armed = deadline;
  cpu.armed_time = cpu.kernel->to_nanoseconds(deadline);
  cpu.armed_at = Ticks(arch::read_tsc());
  arch::Apic::arm(deadline);
}
/// Arms it for the earliest of the slice's end, the runs' deadlines and the time-outs.
void arm_next(Cpu& cpu);

}  // namespace fb::kernel::sched

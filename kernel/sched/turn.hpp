// Taking a slice and laying it down: what every change of context between slices goes through, inline.
#pragma once

#include "kernel/sched/slices.hpp"
#include "kernel/sched/stop.hpp"

namespace fb::kernel::sched {

inline void publish_running(Context& context, Cpu& cpu, bool running) {
  exo_area* const area = context.area;
  if (area == nullptr) return;
  __atomic_store_n(&area->cpu, cpu.id.raw(), __ATOMIC_RELAXED);
  __atomic_store_n(&area->running, running ? 1 : 0, __ATOMIC_RELEASE);  // a hint for locks of the LibOS
}

/// Another CPU has the owner of a slot whose turn it is, or it has just stopped.
void pass_over(Cpu& cpu, Context& owner);

/// The slot's owner gets the CPU. False: it cannot have it. The slice lock is held.
[[gnu::always_inline]] inline bool pick_up(Cpu& cpu, core::sched::Slot slot, Ticks now) {
  Context& owner = *cpu.slices.owner(slot);
  auto idle = RunState(Chain::Idle);
  if (!owner.state.compare_exchange_strong(idle, cpu.running, std::memory_order_acq_rel)) [[unlikely]] {
    pass_over(cpu, owner);
    return false;
  }
  const auto index = slot.index();
  const bool rest = cpu.slice_left[index] != Ticks(0) && cpu.left_in_round[index] == cpu.slices.round();
  cpu.levels[0].root_head = &owner;
  cpu.slice_end = now + (rest ? cpu.slice_left[index] : cpu.kernel->slice_ticks);
  cpu.slot = slot;
  cpu.slice_started = now;
  cpu.has_slice = true;
  publish_running(owner, cpu, true);
  return true;
}

/// The slice's owner gives the CPU up; its chain is let go of by the caller.
[[gnu::always_inline]] inline void lay_down(Cpu& cpu, Context& owner, bool used_up, Ticks now) {
  const auto index = cpu.slot.index();
  owner.used += now - cpu.slice_started;
  if (used_up || cpu.slice_end <= now) [[unlikely]] {
    cpu.slices.consume(cpu.slot);
    cpu.slice_left[index] = Ticks(0);
  } else {
    cpu.slice_left[index] = cpu.slice_end - now;
    cpu.left_in_round[index] = cpu.slices.round();
  }
  publish_running(owner, cpu, false);
  cpu.has_slice = false;
}

/// The short way to choose() when the current context has just begun to wait, and to give the CPU to who comes next.
/// Returns if there is more to be done: go the long way. What others ask of this CPU, they ask by an interrupt as well.
[[gnu::always_inline]] inline void leave_after_wait(Cpu& cpu) {
  const bool outermost = cpu.top.load(std::memory_order_relaxed) == cpu.levels.data();
  if (!outermost || cpu.recheck.load(std::memory_order_relaxed)) [[unlikely]]
    return;
  const auto now = Ticks(arch::read_tsc());
  Context* next = nullptr;
  {
    const core::Guard guard(cpu.slice_lock);
    lay_down(cpu, *cpu.levels[0].root(), false, now);
    const auto slot = cpu.slices.next();
    if (!slot || !pick_up(cpu, *slot, now)) [[unlikely]]
      return;
    next = cpu.levels[0].root();
    arm_by(cpu, cpu.slice_end);
  }
  const bool alone =
      next->callee == nullptr && next->request.load(std::memory_order_acquire) == object::Request::None;
  if (!alone || next->cleanup.pending()) [[unlikely]]
    return;
  leave_to_next(cpu, *next);
}

}  // namespace fb::kernel::sched

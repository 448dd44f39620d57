#include "kernel/sched/slices.hpp"

#include <algorithm>

#include "kernel/arch/x86_64/panic.hpp"
#include "kernel/sched/kick.hpp"
#include "kernel/sched/signal.hpp"
#include "kernel/sched/turn.hpp"

namespace fb::kernel::sched {
namespace {

/// The lowest level whose run must end now, and why; level 0 if none.
struct Verdict {
  unsigned level;
  Stop reason;
};
Verdict judge(Cpu& cpu, core::Nanoseconds now) {
  for (unsigned i = 1; i <= cpu.depth(); ++i) {
    const auto& level = cpu.levels[i];
    Context& root = *level.root();
    const auto state = root.state.load(std::memory_order_acquire);
    if (state == RunState(Chain::Running, cpu.id)) settle_calls(cpu, root);
    if (is_wanted(root) || root.evicted.load(std::memory_order_acquire)) return {i, Stop::Gone};
    // Running elsewhere: as in reconsider.
    if (state != RunState(Chain::Running, cpu.id)) {
      return {i, state.chain() == Chain::Waiting || state.chain() == Chain::Idle ? Stop::Halted : Stop::Gone};
    }
    if (level.deadline <= now) return {i, Stop::Deadline};
    // The flag first: who signals after this look kicks again, and who signalled before is seen.
    Context& carrier = *level.carrier();
    carrier.attention.fetch_and(static_cast<std::uint8_t>(~object::kEventPending), std::memory_order_seq_cst);
    if (carrier.has_event()) {
      carrier.attention.fetch_or(object::kEventPending, std::memory_order_relaxed);
      return {i, Stop::Event};
    }
  }
  return {0, Stop::Syscall};
}

}  // namespace

void unwind(Cpu& cpu, unsigned level, Stop reason) {
  for (auto i = cpu.depth(); i > level; --i) {
    const auto& run = cpu.levels[i];
    Context& root = *run.root();
    Context& carrier = *run.carrier();
    const auto stop = static_cast<std::uint64_t>(i == level + 1 ? reason : Stop::Interrupted);
    carrier.set_result(0, stop);
    if (root.reflecting) __atomic_store_n(&root.frame->stop, stop, __ATOMIC_RELAXED);
    carrier.by_syscall = true;
    cpu.set_depth(i - 1);
    root.attention.fetch_and(object::kEventPending, std::memory_order_relaxed);
    root.evicted.store(false, std::memory_order_release);
    release_chain(cpu, root);
  }
}

void put_down(Cpu& cpu, bool used_up) {
  Context& owner = *cpu.levels[0].root();
  lay_down(cpu, owner, used_up, Ticks(arch::read_tsc()));
  release_chain(cpu, owner);
}

void pass_over(Cpu& cpu, Context& owner) {
  // That may last, and whoever lets go of it says that it is ready.
  cpu.slices.set_ready(owner.slots, false);
  // Who made it ready meanwhile has set its state before its slots.
  if (owner.state.load(std::memory_order_seq_cst).chain() == Chain::Idle)
    cpu.slices.set_ready(owner.slots, true);
}

void reconsider(Cpu& cpu) {
  if (!cpu.has_slice) return;
  const auto now = Ticks(arch::read_tsc());
  while (cpu.depth() != 0) {
    const auto verdict = judge(cpu, cpu.kernel->to_nanoseconds(now));
    if (verdict.level == 0) break;
    unwind(cpu, verdict.level - 1, verdict.reason);
  }
  Context& owner = *cpu.levels[0].root();
  if (owner.state.load(std::memory_order_acquire) == RunState(Chain::Running, cpu.id))
    settle_calls(cpu, owner);
  const bool wanted = is_wanted(owner);
  // Running elsewhere is not running here: who stops a context that has just begun to wait has it for a moment.
  const bool waits = owner.state.load(std::memory_order_acquire) != RunState(Chain::Running, cpu.id);
  const bool ended = cpu.slice_end <= now;
  if (!wanted && !waits && !ended && !cpu.slices.should_preempt(cpu.slot)) return;
  unwind(cpu, 0, Stop::Preempted);
  put_down(cpu, ended);
}

Context* choose(Cpu& cpu) {
  cpu.recheck.store(false, std::memory_order_relaxed);
  if (wanted_by_others(cpu)) serve(cpu);
  if (cpu.timer_fired.load(std::memory_order_relaxed)) expire(cpu);
  reconsider(cpu);
  while (!cpu.has_slice) {
    {
      if (wanted_by_others(cpu)) serve(cpu);
      const core::Guard guard(cpu.slice_lock);
      const auto slot = cpu.slices.next();
      if (!slot) return nullptr;
      pick_up(cpu, *slot, Ticks(arch::read_tsc()));
    }
    // A request that came while nobody had it, or that ended its wait, is done first.
    if (cpu.has_slice && is_wanted(*cpu.levels[0].root())) [[unlikely]]
      reconsider(cpu);
  }
  return &cpu.top.load(std::memory_order_relaxed)->root()->active();
}

void sleep(Cpu& cpu) {
  cpu.current_head = nullptr;
  save_vector(cpu);
  switch_space(cpu, nullptr);
  cpu.idle.store(true,
                 std::memory_order_seq_cst);  // before `recheck` is looked at: a waker sees one of the two
  if (!cpu.recheck.exchange(false, std::memory_order_seq_cst)) {
    arm_next(cpu);
    cpu.sequence.fetch_add(1, std::memory_order_seq_cst);  // asleep: nobody needs to wait for us
    arch::halt_until_interrupt();
    cpu.sequence.fetch_add(1, std::memory_order_seq_cst);
  }
  cpu.idle.store(false, std::memory_order_relaxed);
  serve(cpu);
}

void make_ready(Cpu& cpu, Context& base) {
  base.state.store(RunState(Chain::Idle), std::memory_order_release);
  if (base.slots.empty()) return;
  Cpu& home = *cpu.kernel->cpus[base.home.raw()];
  home.slices.set_ready(base.slots, true);
  if (&home == &cpu) {
    if (!cpu.has_slice || cpu.slices.should_preempt(cpu.slot))
      cpu.recheck.store(true, std::memory_order_relaxed);
  } else {
    kick(home);
  }
}

void arm_next(Cpu& cpu) {
  auto earliest = cpu.next_due;
  if (cpu.has_slice) {
    earliest = std::min(earliest, cpu.slice_end);
    for (unsigned i = 1; i <= cpu.depth(); ++i) {
      if (const auto until = cpu.levels[i].deadline; until < cpu.armed_time)
        earliest = std::min(earliest, cpu.kernel->to_ticks(until));
    }
  }
  arm_by(cpu, earliest);
}

}  // namespace fb::kernel::sched

#include "kernel/reap/cleanup.hpp"

#include "kernel/reap/destroy.hpp"
#include "kernel/sched/kick.hpp"

namespace fb::kernel::reap {
namespace {

constexpr unsigned kStepsForOthers = 4;

/// Lets interrupts in. They only note what they want; true if there is something.
bool preemption_point(Cpu& cpu) {
  cpu.sequence.fetch_add(2,
                         std::memory_order_seq_cst);  // nothing is held: who waits for us need not any longer
  arch::open_interrupts();
  return cpu.recheck.load(std::memory_order_relaxed);
}

/// Takes a step, unless another CPU is at it. False: there was nothing to be done.
bool step_exclusively(Cpu& cpu, Context& context) {
  if (context.cleaning.exchange(true, std::memory_order_acquire)) {
    sched::serve(cpu);
    return true;
  }
  // Only its holder can tell: what is just being taken apart is not in the queue.
  const bool pending = context.cleanup.pending();
  if (pending && !step(cpu, context.cleanup)) return true;
  context.cleaning.store(false, std::memory_order_release);
  return pending;
}

/// Cuts a capability by `cut`, which returns its entry or null, waits for the grace period and queues the reaping.
template <class Cut>
bool end_by(Cpu& cpu, Cleanup& cleanup, Cut cut) {
  const auto start = core::Ticks(arch::read_tsc());
  Entry* entry = cut();
  if (entry == nullptr) return false;
  // The space must outlive the clean-up. One that is closed is being taken apart, and the entry with it.
  auto& space = *object::CapSpace::owner_of(entry);
  if (space.pin()) {
    cleanup.space = &space;
    cleanup.handle = object::CapSpace::handle_of(entry);
  }
  sched::wait_for_grace(cpu);
  cpu.revoke_ticks = core::Ticks(arch::read_tsc()) - start;
  return true;
}

}  // namespace

bool end(Cpu& cpu, Cleanup& cleanup, Entry& entry) {
  return end_by(cpu, cleanup, [&] { return object::CapTree::cut(&entry) ? &entry : nullptr; });
}

bool end_creating(Cpu& cpu, Cleanup& cleanup, object::Object& object) {
  return end_by(cpu, cleanup, [&] { return object::CapTree::cut_creating(object); });
}

bool settle(Cpu& cpu, Cleanup& cleanup, Entry& entry, bool succeeded) {
  return end_by(cpu, cleanup, [&] { return object::CapTree::settle(&entry, succeeded) ? &entry : nullptr; });
}

bool work(Cpu& cpu, Context& context) {
  while (context.cleanup.pending()) {
    (void)step_exclusively(cpu, context);
    if (preemption_point(cpu)) return false;
  }
  return true;
}

void work_for_others(Cpu& cpu) {
  for (unsigned i = 0; i < kStepsForOthers && cpu.leftover.pending(); ++i) {
    (void)step(cpu, cpu.leftover);
    (void)preemption_point(cpu);  // a CPU that we want something of may be waiting for us
  }
  for (unsigned i = 0; i < kStepsForOthers; ++i) {
    Context* orphan = nullptr;
    {
      const core::Guard guard(cpu.orphan_lock);
      orphan = cpu.orphans.front();
    }
    if (orphan == nullptr) return;
    if (!step_exclusively(cpu, *orphan)) {
      const core::Guard guard(cpu.orphan_lock);
      cpu.orphans.remove(*orphan);
    }
    (void)preemption_point(cpu);
  }
}

}  // namespace fb::kernel::reap

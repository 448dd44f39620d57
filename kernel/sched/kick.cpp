#include "kernel/sched/kick.hpp"

#include "kernel/sched/switch.hpp"

namespace fb::kernel::sched {

void kick(Cpu& target) {
  target.recheck.store(true,
                       std::memory_order_seq_cst);  // before the interrupt, and before `idle` is looked at
  arch::Apic::send(target.apic, arch::Vector::Kick);
}

void serve(Cpu& cpu) {
  // acquire: the page-table edits that the flush is for were made before.
  const auto wanted = cpu.flushes_wanted.load(std::memory_order_acquire);
  if (wanted != cpu.flushes_done.load(std::memory_order_relaxed)) {
    arch::write_cr3(arch::read_cr3());
    cpu.flushes_done.store(wanted, std::memory_order_release);  // not for one that was asked for since
  }
  if (cpu.give_vector.load(std::memory_order_acquire)) {
    save_vector(cpu);
    cpu.give_vector.store(false, std::memory_order_release);
  }
  arch::pause();
}

void shoot_down(Cpu& cpu, const object::AddressSpace& space) {
  const auto count = cpu.kernel->cpu_count.load(std::memory_order_relaxed);
  const auto root = space.root.raw();
  if (cpu.root.load(std::memory_order_relaxed) == root) arch::write_cr3(root);
  if (count == 1) return;
  // The edits are visible before we look who uses the space; see switch_space for the other side.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::array<std::uint64_t, core::budget::kMaxCpus> tickets{};  // 0: that CPU does not use the space
  for (unsigned i = 0; i < count; ++i) {
    Cpu& other = *cpu.kernel->cpus[i];
    if (&other == &cpu || other.root.load(std::memory_order_relaxed) != root) continue;
    tickets[i] = other.flushes_wanted.fetch_add(1, std::memory_order_seq_cst) + 1;
    arch::Apic::send(other.apic, arch::Vector::Kick);
  }
  for (unsigned i = 0; i < count; ++i) {
    if (tickets[i] == 0) continue;
    const Cpu& other = *cpu.kernel->cpus[i];
    while (other.flushes_done.load(std::memory_order_acquire) < tickets[i] &&
           other.root.load(std::memory_order_relaxed) == root) {
      serve(cpu);
    }
  }
}

void wait_for_grace(Cpu& cpu) {
  const auto count = cpu.kernel->cpu_count.load(std::memory_order_relaxed);
  if (count == 1) return;
  // While we wait we hold nothing either: two CPUs that wait for each other both go on.
  cpu.sequence.fetch_add(1, std::memory_order_seq_cst);
  std::array<std::uint64_t, core::budget::kMaxCpus> seen{};
  for (unsigned i = 0; i < count; ++i)
    seen[i] = cpu.kernel->cpus[i]->sequence.load(std::memory_order_seq_cst);
  for (unsigned i = 0; i < count; ++i) {
    if ((seen[i] & 1) == 0) continue;
    while (cpu.kernel->cpus[i]->sequence.load(std::memory_order_acquire) == seen[i]) serve(cpu);
  }
  cpu.sequence.fetch_add(1, std::memory_order_seq_cst);
}

void fetch_vector(Cpu& cpu, Cpu& holder) {
  if (&holder == &cpu) return save_vector(cpu);
  holder.give_vector.store(true, std::memory_order_seq_cst);
  arch::Apic::send(holder.apic, arch::Vector::Kick);
  while (holder.give_vector.load(std::memory_order_acquire)) serve(cpu);
}

}  // namespace fb::kernel::sched

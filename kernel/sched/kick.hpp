// What CPUs ask of each other: look again, flush, give back vector state, wait until all have left the kernel.
#pragma once

#include "kernel/object/kernel.hpp"

namespace fb::kernel::sched {

using object::Context;
using object::Cpu;
using object::Kernel;

/// Interrupts `target`, which then looks again who should run (traps call `dispatch`).
void kick(Cpu& target);
/// Does what other CPUs wait for. A CPU that waits for another calls this while it waits.
void serve(Cpu& cpu);
inline bool wanted_by_others(const Cpu& cpu) {
  return cpu.flushes_wanted.load(std::memory_order_acquire) !=
             cpu.flushes_done.load(std::memory_order_relaxed) ||
         cpu.give_vector.load(std::memory_order_acquire);
}
/// Waits until no CPU other than this one uses translations of `space` that were made before (DESIGN §5). Null: any.
void shoot_down(Cpu& cpu, const object::AddressSpace& space);
/// Waits until every other CPU that was in ring 0 has left it: it then holds no reference that it could still act on
/// (CAP-3). The caller holds no lock, and no reference that it does not re-validate afterwards.
void wait_for_grace(Cpu& cpu);
/// Makes `holder` put the vector state that it holds into memory.
void fetch_vector(Cpu& cpu, Cpu& holder);

}  // namespace fb::kernel::sched

// Ticket spin locks with a rank. A checked build stops when a CPU takes a lock whose rank is not above those it holds.
#pragma once

#include <cstdint>

#include "core/sync/ticket_lock.hpp"
#include "kernel/arch/x86_64/offsets.h"
#include "kernel/arch/x86_64/ops.hpp"

namespace fb::kernel::arch {

/// The order in which locks may nest, outermost first (C5.09).
enum class Rank : std::uint8_t {
  Cleanup,       ///< work that a dying object leaves
  Capability,    ///< an object's derivation tree; a capability space's free list
  AddressSpace,  ///< page tables
  Event,         ///< pending bits and waiters
  Gate,          ///< pool of server contexts
  Schedule,      ///< slice assignment of one CPU
  Timer,         ///< deadlines of one CPU
  Budget,        ///< tree of budgets
  Slab,          ///< objects of one budget
  Frames,        ///< the frame allocator
  Interrupts,    ///< I/O APIC registers
  Console,       ///< the kernel's serial line
};

/// Stops the machine; defined by boot/panic.cpp.
[[noreturn]] void lock_order_violation(Rank wanted, std::uint64_t held);

#ifdef FB_CHECKED
inline constexpr bool kChecked = true;
#else
inline constexpr bool kChecked = false;
#endif

/// The ranks this CPU holds, a bit each; lives behind the GS base.
inline std::uint64_t held_ranks() {
  std::uint64_t v;
  asm volatile("movq %%gs:%c1, %0" : "=r"(v) : "i"(CPU_HELD_RANKS));
  return v;
}
inline void set_held_ranks(std::uint64_t v) {
  asm volatile("movq %0, %%gs:%c1" : : "r"(v), "i"(CPU_HELD_RANKS) : "memory");
}

/// First come, first served. Interrupts are off in ring 0, so a holder is never preempted by its own CPU.
template <Rank kRank>
class RankedLock {
 public:
  void lock() {
    if constexpr (kChecked) {
      const auto held = held_ranks();
      if ((held >> static_cast<unsigned>(kRank)) != 0) lock_order_violation(kRank, held);
      set_held_ranks(held | bit());
    }
    lock_.lock();
  }
  /// Does not wait, so whoever tries may hold locks of any rank.
  [[nodiscard]] bool try_lock() {
    if (!lock_.try_lock()) return false;
    if constexpr (kChecked) set_held_ranks(held_ranks() | bit());
    return true;
  }
  void unlock() {
    if constexpr (kChecked) set_held_ranks(held_ranks() & ~bit());
    lock_.unlock();
  }

 private:
  static constexpr std::uint64_t bit() { return std::uint64_t{1} << static_cast<unsigned>(kRank); }
  core::sync::TicketLock<std::uint16_t> lock_;
};

}  // namespace fb::kernel::arch

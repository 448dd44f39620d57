// One CPU, and the kernel that all of them run.
#pragma once

#include <array>
#include <atomic>
#include <bit>

#include "core/sched/slice_vector.hpp"
#include "kernel/arch/x86_64/apic.hpp"
#include "kernel/arch/x86_64/descriptors.hpp"
#include "kernel/arch/x86_64/features.hpp"
#include "kernel/arch/x86_64/offsets.h"
#include "kernel/arch/x86_64/paging.hpp"
#include "kernel/object/event.hpp"

namespace fb::kernel::object {

struct Kernel;

inline constexpr unsigned kMaxLevels = 5;  ///< a slice owner and four nested runs (DESIGN §6)

/// One level of `context_run`: who was given time, by whom, until when. Level 0 is the slice.
struct alignas(32) Level {
  ContextHead* root_head = nullptr;     ///< the context that was given time
  ContextHead* carrier_head = nullptr;  ///< who gave it; null at level 0
  core::Nanoseconds deadline{};         ///< since boot; of level 0 see Cpu::slice_end
  Entry* via = nullptr;                 ///< the capability by which
  [[nodiscard]] Context* root() const { return static_cast<Context*>(root_head); }
  [[nodiscard]] Context* carrier() const { return static_cast<Context*>(carrier_head); }
};
static_assert(sizeof(Level) == LEVEL_SIZE && offsetof(Level, root_head) == LEVEL_ROOT &&
              offsetof(Level, via) == LEVEL_VIA && offsetof(Level, carrier_head) == LEVEL_CARRIER &&
              offsetof(Level, deadline) == LEVEL_DEADLINE);

/// What assembly knows of a Cpu, from the GS base on.
struct CpuHead {
  CpuHead* self = this;
  /// Odd while this CPU is in ring 0 and may hold references (CAP-3).
  std::atomic<std::uint64_t> sequence{1};
  std::uint64_t stack = 0;
  exo_frame* frame = nullptr;
  std::uint64_t reflecting = 0;
  ContextHead* current_head = nullptr;
  std::uint64_t held_ranks = 0;
  std::uint64_t claims = 0;          ///< _ONCE capabilities that the call in progress uses
  std::atomic<Level*> top{nullptr};  ///< read by other CPUs to see whether a carrier here needs a kick
  RunState running{Chain::Running};  ///< what the chain that this CPU runs has for a state
  ContextHead* live = nullptr;       ///< whose vector and segment registers the registers are, if anybody's
  std::uint64_t fs_base = 0, gs_base = 0;  ///< what the base registers hold
  std::atomic<std::uint64_t> root{0};      ///< what CR3 holds
  std::uint64_t user_end = core::kUserEnd;
  core::Nanoseconds armed_time{~std::uint64_t{0}};  ///< what the APIC timer is set for, since boot
};
static_assert(offsetof(CpuHead, self) == CPU_SELF && offsetof(CpuHead, sequence) == CPU_SEQUENCE &&
              offsetof(CpuHead, stack) == CPU_STACK && offsetof(CpuHead, frame) == CPU_FRAME &&
              offsetof(CpuHead, reflecting) == CPU_REFLECTING &&
              offsetof(CpuHead, current_head) == CPU_CURRENT &&
              offsetof(CpuHead, held_ranks) == CPU_HELD_RANKS && offsetof(CpuHead, claims) == CPU_CLAIMS &&
              offsetof(CpuHead, top) == CPU_TOP && offsetof(CpuHead, running) == CPU_RUNNING &&
              offsetof(CpuHead, live) == CPU_LIVE && offsetof(CpuHead, fs_base) == CPU_FS_BASE &&
              offsetof(CpuHead, gs_base) == CPU_GS_BASE && offsetof(CpuHead, root) == CPU_ROOT &&
              offsetof(CpuHead, user_end) == CPU_USER_END && offsetof(CpuHead, armed_time) == CPU_ARMED_TIME);
static_assert(RunState(Chain::Idle) == std::bit_cast<RunState>(std::uint32_t{STATE_IDLE}) &&
              USER_FLAGS_MASK == arch::kUserFlagsMask && USER_FLAGS_SET == arch::user_flags(0) &&
              offsetof(Entry, checked) == ENTRY_CHECKED);

struct alignas(64) Cpu : CpuHead {
  std::array<Entry*, 4> claimed{};
  Kernel* kernel = nullptr;
  core::CpuId id{};
  arch::ApicId apic{};
  bool has_slice = false;
  /// One more than may be used: a gate server that a carrier on the last level calls is not told that it is there.
  std::array<Level, kMaxLevels + 1> levels{};
  [[nodiscard]] unsigned depth() const {
    return static_cast<unsigned>(top.load(std::memory_order_relaxed) - levels.data());
  }
  void set_depth(unsigned d) { top.store(&levels[d], std::memory_order_relaxed); }
  [[nodiscard]] Context* current() const { return static_cast<Context*>(current_head); }
  core::Ticks armed{~std::uint64_t{0}};     ///< the same in ticks
  core::Ticks next_due{~std::uint64_t{0}};  ///< no time-out or timer of the queues below is due before
  std::atomic<bool> timer_fired{false};     ///< one may be due
  core::Ticks armed_at{};                   ///< when it was set: a deadline may have passed before that

  Context* vector_owner = nullptr;  ///< whose vector state the registers hold, not saved elsewhere
  std::uint64_t vector_domain = 0;  ///< identity of the domain that may see what the vector registers hold
  const ContextHead* base_owner = nullptr;  ///< for whom the segment registers were set last; null: cleared
  bool scrubs_shortly = false;              ///< XRSTOR is all that a change of domain takes
  /// Flushes of its TLB that others have asked this CPU for, and the number of those that one has come after.
  std::atomic<std::uint64_t> flushes_wanted{0}, flushes_done{0};
  std::atomic<bool> give_vector{false};  ///< somebody waits for the vector state this CPU holds
  std::atomic<bool> idle{false};
  std::atomic<bool> recheck{false};  ///< look again who should run
  std::uint32_t lines = 0;           ///< interrupt lines that came and are to be delivered
  std::uint64_t nmis = 0;

  using Slices = core::sched::SliceVector<Context>;
  arch::RankedLock<arch::Rank::Schedule> slice_lock;
  Slices slices;           ///< assignment guarded by slice_lock
  core::sched::Slot slot;  ///< the slot being used
  /// What a slot's owner left of its slice when it began to wait, in which round: it gets that, no more (DESIGN §5).
  std::array<core::Ticks, core::sched::Slot::kCount> slice_left{};
  std::array<std::uint32_t, core::sched::Slot::kCount> left_in_round{};

  arch::RankedLock<arch::Rank::Timer> timer_lock;
  core::time::DeadlineQueue<Context, &Context::deadline> waits;        ///< guarded by timer_lock
  core::time::DeadlineQueue<Timer, &Timer::deadline> timers;           ///< guarded by timer_lock
  core::time::DeadlineQueue<AsyncOp, &AsyncOp::deadline> completions;  ///< guarded by timer_lock

  core::Ticks slice_started{}, slice_end{};
  bool in_batch = false;  ///< a call ring is being worked off: its calls do not switch contexts
  Cleanup leftover;       ///< clean-up whose context ended in the course of it
  arch::RankedLock<arch::Rank::Cleanup> orphan_lock;
  core::list::List<Context, &Context::orphan>
      orphans;              ///< contexts that owe clean-up and may get no time for it
  core::Ticks late_most{};  ///< how late a timer interrupt came: the longest stretch with interrupts off
  core::Ticks revoke_ticks{};
  core::Ticks entered{};

  arch::Descriptors descriptors;
  std::array<std::uint64_t, arch::kOwnStacks> own_stacks{};

  static constexpr core::Ticks kIdleDeadline{~std::uint64_t{0}};
};
/// The context that made the call in progress, without a detour over the Cpu.
inline ContextHead* current_head() {
  ContextHead* current;
  asm("movq %%gs:%c1, %0" : "=r"(current) : "i"(CPU_CURRENT));
  return current;
}

inline Cpu& this_cpu() {
  CpuHead* cpu;
  asm("movq %%gs:0, %0" : "=r"(cpu));
  return *static_cast<Cpu*>(cpu);
}

}  // namespace fb::kernel::object

// One CPU, and the kernel that all of them run.
#pragma once

#include <array>
#include <atomic>

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
  Context* root = nullptr;     ///< the context that was given time
  Context* carrier = nullptr;  ///< who gave it; null at level 0
  core::Ticks deadline{};
};

/// What assembly knows of a Cpu, from the GS base on.
struct CpuHead {
  CpuHead* self = this;
  /// Odd while this CPU is in ring 0 and may hold references (CAP-3).
  std::atomic<std::uint64_t> sequence{1};
  std::uint64_t user_rsp = 0;
  std::uint64_t stack = 0;
  exo_frame* frame = nullptr;
  std::uint64_t reflecting = 0;
  Context* current = nullptr;
  std::uint64_t held_ranks = 0;
  std::uint64_t claims = 0;  ///< _ONCE capabilities that the call in progress uses
};
static_assert(offsetof(CpuHead, self) == CPU_SELF && offsetof(CpuHead, sequence) == CPU_SEQUENCE &&
              offsetof(CpuHead, user_rsp) == CPU_USER_RSP && offsetof(CpuHead, stack) == CPU_STACK &&
              offsetof(CpuHead, frame) == CPU_FRAME && offsetof(CpuHead, reflecting) == CPU_REFLECTING &&
              offsetof(CpuHead, current) == CPU_CURRENT && offsetof(CpuHead, held_ranks) == CPU_HELD_RANKS &&
              offsetof(CpuHead, claims) == CPU_CLAIMS);

struct alignas(64) Cpu : CpuHead {
  std::array<Entry*, 4> claimed{};
  Kernel* kernel = nullptr;
  core::CpuId id{};
  arch::ApicId apic{};
  /// The top of `levels`; read by other CPUs to see whether a carrier here needs a kick.
  std::atomic<unsigned> depth{0};
  bool has_slice = false;
  std::array<Level, kMaxLevels> levels{};
  core::Ticks armed = kIdleDeadline;  ///< what the APIC timer is set for

  std::atomic<AddressSpace*> space{nullptr};  ///< the address space loaded; null: the kernel's
  Context* vector_owner = nullptr;            ///< whose vector state the registers hold, not saved elsewhere
  const Domain* vector_domain = nullptr;      ///< who may see what the vector registers hold
  const Context* base_owner = nullptr;        ///< for whom the segment registers were set last,
  std::uint64_t fs_base = 0, gs_base = 0;     ///< and to what
  std::atomic<bool> flush{false};             ///< somebody waits for this CPU to flush its TLB
  std::atomic<bool> give_vector{false};       ///< somebody waits for the vector state this CPU holds
  std::atomic<bool> idle{false};
  std::atomic<bool> recheck{false};           ///< look again who should run
  std::uint32_t lines = 0;                    ///< interrupt lines that came and are to be delivered
  std::uint64_t nmis = 0;

  using Slices = core::sched::SliceVector<Context>;
  arch::RankedLock<arch::Rank::Schedule> slice_lock;
  Slices slices;             ///< assignment guarded by slice_lock
  core::sched::SlotMask slot{};  ///< the slot being used: one bit
  /// What a slot's owner left of its slice when it began to wait, in which round: it gets that, no more (DESIGN §5).
  std::array<core::Ticks, core::sched::Slot::kCount> slice_left{};
  std::array<std::uint32_t, core::sched::Slot::kCount> left_in_round{};

  arch::RankedLock<arch::Rank::Timer> timer_lock;
  core::time::DeadlineQueue<Context, &Context::deadline> waits;  ///< guarded by timer_lock
  core::time::DeadlineQueue<Timer, &Timer::deadline> timers;     ///< guarded by timer_lock
  core::time::DeadlineQueue<AsyncOp, &AsyncOp::deadline> completions;  ///< guarded by timer_lock

  core::Ticks slice_started{};
  bool in_batch = false;  ///< a call ring is being worked off: its calls do not switch contexts
  Cleanup leftover;  ///< clean-up whose context ended in the course of it
  arch::RankedLock<arch::Rank::Cleanup> orphan_lock;
  core::list::List<Context, &Context::orphan> orphans;  ///< contexts that owe clean-up and may get no time for it
  core::Ticks late_most{};      ///< how late a timer interrupt came: the longest stretch with interrupts off
  core::Ticks revoke_ticks{};
  core::Ticks entered{};

  arch::Descriptors descriptors;
  std::array<std::uint64_t, arch::kOwnStacks> own_stacks{};

  static constexpr core::Ticks kIdleDeadline{~std::uint64_t{0}};
};
inline Cpu& this_cpu() {
  CpuHead* cpu;
  asm("movq %%gs:0, %0" : "=r"(cpu));
  return *static_cast<Cpu*>(cpu);
}

}  // namespace fb::kernel::object

// The kernel beneath a fibre scheduler: time, one event, and stacks with a guard page.
#pragma once

#include <array>

#include "libos/rt/context_lock.hpp"
#include "libos/rt/environment.hpp"
#include "libos/rt/event_loop.hpp"
#include "libos/rt/memory.hpp"

namespace fb::libos::rt {

/// Has work that must be done before who holds the lock sleeps without it.
class LockObserver {
 public:
  virtual void leaving() = 0;

 protected:
  ~LockObserver() = default;
};

/// Waits on one event, which it does not own, and whose bit 63 it keeps for itself.
class KernelMachine {
 public:
  /// A context besides the first, with its call ring, and an event of its own to sleep on.
  struct Seat {
    Region area, stack;
    Owned<abi::ObjectType::Event> event;
    Owned<abi::ObjectType::Context> context;
    exo_area* area_at{};

    [[nodiscard]] exo_ring& ring() const {
      return *reinterpret_cast<exo_ring*>(area.mapping.bytes().data() + core::kPageSize);
    }
    /// Takes a kick that ended a run of a program.
    void hear() const { static_cast<void>(abi::calls::event_wait(event.get(), kKick, core::Nanoseconds(0))); }
  };
  static constexpr abi::EventBits kKick{1};

  explicit KernelMachine(abi::Cap<abi::ObjectType::Event> event);
  core::Nanoseconds now();
  static core::Ticks ticks() { return core::Ticks(__builtin_ia32_rdtsc()); }
  [[nodiscard]] core::Ticks millisecond() const { return millisecond_; }
  /// To a microsecond in a second or so.
  [[nodiscard]] core::Nanoseconds time_at(core::Ticks ticks) const {
    const auto wide = static_cast<unsigned __int128>((ticks - start_ticks_).raw()) * multiplier_;
    return start_ + core::Nanoseconds(static_cast<std::uint64_t>(wide >> 32));
  }
  abi::EventBits wait(abi::EventBits mask, core::Nanoseconds deadline);
  core::Result<Stack> allocate_stack();
  void free_stack(Stack stack);

  /// For contexts that share; without a seat it is the first one.
  void lock(Seat& seat) {
    lock_.lock(seat.area_at);
    holder_ = &seat;
  }
  void lock() {
    lock_.lock(environment().area);
    holder_ = nullptr;
  }
  void unlock() { lock_.unlock(); }
  /// Before unlock(), by who may have left something to be done.
  void settle() {
    if (observer_ != nullptr) observer_->leaving();
  }
  /// Whose context holds the lock; null for the first one. To who holds it.
  [[nodiscard]] const Seat* holder() const { return holder_; }
  void kick(const Seat& seat) { static_cast<void>(abi::calls::event_deliver(seat.event.get(), kKick)); }
  void sleep(const Seat& seat, core::Nanoseconds deadline);
  /// Outlives this.
  void observe(LockObserver& observer) { observer_ = &observer; }

 private:
  static void give_way();
  static constexpr core::PageCount kStackPages{8};
  static constexpr std::size_t kSpareStacks = 16;
  abi::Cap<abi::ObjectType::Event> event_;
  core::Ticks start_ticks_, millisecond_;
  core::Nanoseconds start_;
  std::uint64_t multiplier_{};  ///< nanoseconds of 2^32 ticks
  ContextLock<give_way> lock_;
  const Seat* holder_ = nullptr;
  LockObserver* observer_ = nullptr;
  std::array<Stack, kSpareStacks>
      spare_stacks_;  ///< of fibres that ended; to make one takes thousands of instructions
  std::size_t spares_ = 0;
};

using Fibres = Scheduler<KernelMachine>;
using Upcalls = EventLoop<KernelMachine>;

/// Monotonic time; 0 only if the kernel has no clock.
core::Nanoseconds now();

}  // namespace fb::libos::rt

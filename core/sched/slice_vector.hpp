// The slice vector of one CPU: who gets the next slice, in a few bit operations.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "core/sched/slot.hpp"

namespace fb::core::sched {

/// 64 slots, each bound to an Owner or to nobody (DESIGN 5, CPU time). A round gives every bound slot one
/// slice, in ascending order. A slot whose owner is not ready at its turn is skipped and keeps its credit
/// until the round ends, so a wake-up runs before the next regular slice; credit is never carried into
/// another round. An owner with several slots gets that many slices a round.
///
/// One word says it all: `credit_`, the slots that have not had their slice in this round. Skipped ones lie
/// below the regular position and the others at or above it, so the lowest ready slot with credit is always
/// the next.
///
/// `set_ready` may run on any CPU. All else belongs to the vector's own CPU (interrupts off) or needs a lock.
/// No call loops. The Owner outlives its slots.
template <class Owner>
class SliceVector {
 public:
  /// Busy when the slot is bound. It has its first slice in the next round: re-binding never earns a second
  /// one.
  Result<> assign(Slot slot, Owner& owner) {
    if (bound_.has(slot)) return fail(Error::Busy);
    owners_[slot.index()] = &owner;
    bound_ = bound_.join(slot);
    return {};
  }

  /// Unbinds the slot; no effect on a free one. It is not ready afterwards, unless another CPU just says so
  /// for the old owner: the kernel tolerates a slice for an owner with nothing to do.
  void clear(Slot slot) {
    set_ready(slot, false);
    bound_ = bound_.without(slot);
    credit_ = credit_.without(slot);
    owners_[slot.index()] = nullptr;
  }

  /// Null when the slot is free.
  [[nodiscard]] Owner* owner(Slot slot) const { return owners_[slot.index()]; }
  [[nodiscard]] SlotMask bound() const { return bound_; }

  /// An owner's slots become ready, or stop being so. Lock-free, from any CPU. A waker looks at
  /// `should_preempt` on the slots' CPU (by interrupt when that is another one).
  void set_ready(SlotMask slots, bool ready) {
    // release: what made the owner ready is visible to the CPU that gives it the slice (pairs with runnable).
    if (ready) {
      ready_.fetch_or(slots.raw(), std::memory_order_release);
    } else {
      ready_.fetch_and(~slots.raw(), std::memory_order_release);
    }
  }

  /// Whose slice is next; nullopt when nobody is ready (idle). Until `consume` it answers the same, or a
  /// wake-up.
  [[nodiscard]] std::optional<Slot> next() {
    const SlotMask ready = runnable();
    if (ready.meet(credit_).empty()) {
      if (ready.empty()) return std::nullopt;
      credit_ = bound_;  // everyone who can run has had a slice: a new round
      round_ += 1;
    }
    return lowest(ready.meet(credit_));
  }

  /// Number of the present round, modulo 2^32: what is left of a slice is worth nothing in another.
  [[nodiscard]] std::uint32_t round() const { return round_; }

  /// The slot has had its slice in this round: called when the slice is used up or given back, not when it is
  /// preempted. A preempted slot keeps its credit, and the kernel the rest of its time.
  void consume(Slot slot) { credit_ = credit_.without(slot); }

  /// A slot skipped in this round, so one below `current`, has become ready and runs first. Wake-ups are
  /// served in ascending order, so preemptions nest downwards and never alternate.
  [[nodiscard]] bool should_preempt(Slot current) const {
    return (runnable().meet(credit_).raw() & (SlotMask(current).raw() - 1)) != 0;
  }

 private:
  SlotMask runnable() const {
    // acquire: pairs with set_ready.
    return SlotMask(ready_.load(std::memory_order_acquire)).meet(bound_);
  }

  std::atomic<std::uint64_t> ready_{0};
  SlotMask bound_;
  SlotMask credit_;  ///< always within bound_
  std::uint32_t round_{0};
  std::array<Owner*, Slot::kCount> owners_{};
};

}  // namespace fb::core::sched

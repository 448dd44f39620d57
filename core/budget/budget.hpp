// Hierarchical reservations of pages and CPU slots: what a subtree of domains may use.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/result.hpp"
#include "core/sched/slot.hpp"
#include "core/types.hpp"

namespace fb::core::budget {

/// CPUs that slots can be held on; a higher CpuId gets BadArgument.
inline constexpr std::size_t kMaxCpus = 16;
/// Most pages of one tree: 16 TiB less one page, so that a node's two counts fit one atomic word.
inline constexpr PageCount kMaxPages{0xffff'ffff};

/// Slots of one CPU, as one budget sees them: `held` less `free` and `used` is lent to children.
struct CpuSlots {
  sched::SlotMask held;  ///< all it was given
  sched::SlotMask free;
  sched::SlotMask used;  ///< bound to carriers
};

/// One node of the tree of budgets (DESIGN 5; C2.03, C2.27).
///
/// Law CAP-6 (conservation): what the children of a budget hold, plus its own use, never exceeds its limit.
/// It holds by construction. A node stores `own` (its limit less all it has lent) and `used` in one word, of
/// which every value has used <= own; pages and slots only ever move between a node and its direct child,
/// leaving the giver first.
///
/// `charge`, `refund`, `used` and `free` are lock-free and may run on any CPU at any time, also while pages
/// are lent and reclaimed. All else needs the lock of the tree. A Budget outlives its children and its
/// charges.
class Budget {
 public:
  constexpr Budget() = default;
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  /// Gives the root what the machine has; may be repeated. NotOwner: not a root. Limit: more than kMaxPages.
  Result<> endow(PageCount pages);
  /// The same for slots. Busy: the tree has some of them already.
  Result<> endow_slots(CpuId cpu, sched::SlotMask slots);

  /// Uses pages of this budget. NoMemory: fewer are free.
  Result<> charge(PageCount pages) {
    Word word = word_.load(std::memory_order_relaxed);
    do {
      if (pages.raw() > free_of(word)) [[unlikely]]
        return fail(Error::NoMemory);
      // relaxed: the word orders nothing but itself; the frame allocator orders the pages.
    } while (!word_.compare_exchange_weak(word, word + pages.raw(), std::memory_order_relaxed));
    return {};
  }

  /// Gives back charged pages. BadArgument, and nothing done: more than are in use.
  Result<> refund(PageCount pages) {
    Word word = word_.load(std::memory_order_relaxed);
    do {
      if (pages.raw() > used_of(word)) [[unlikely]]
        return fail(Error::BadArgument);
      // release: whoever sees the refund, and may then free this node (close), sees all that came before it.
    } while (!word_.compare_exchange_weak(word, word - pages.raw(), std::memory_order_release,
                                          std::memory_order_relaxed));
    return {};
  }

  /// Makes `child`, which is in no tree, a child with `pages` of this budget. Busy: it has a parent or holds
  /// something. NoMemory: fewer pages are free here.
  Result<> create_child(Budget& child, PageCount pages);
  /// Moves free pages between this budget and its `child`. NotOwner: it is not one. NoMemory: fewer are free
  /// here.
  Result<> grow(Budget& child, PageCount pages);
  /// As `grow`, backwards. Busy: fewer are free in the child.
  Result<> shrink(Budget& child, PageCount pages);

  /// Moves slots to a child; until reclaimed they are not available here. NoSlices: not all are held and free
  /// here.
  Result<> lend_slots(Budget& child, CpuId cpu, sched::SlotMask slots);
  /// Moves slots back. Busy: the child uses some, has lent some on, or never had them.
  Result<> reclaim_slots(Budget& child, CpuId cpu, sched::SlotMask slots);
  /// Takes free slots into use (a carrier is bound to them). NoSlices: not all are free here.
  Result<> charge_slots(CpuId cpu, sched::SlotMask slots);
  /// Ends their use. BadArgument, and nothing done: not all are in use.
  Result<> refund_slots(CpuId cpu, sched::SlotMask slots);

  /// Takes back all that `child` holds; it is in no tree afterwards, and no charge succeeds. NotOwner: not a
  /// child. Busy: it uses pages or slots, or has children.
  Result<> close(Budget& child);

  [[nodiscard]] Budget* parent() const { return parent_; }
  [[nodiscard]] PageCount used() const { return PageCount(used_of(word_.load(std::memory_order_relaxed))); }
  [[nodiscard]] PageCount free() const { return PageCount(free_of(word_.load(std::memory_order_relaxed))); }
  /// All that this budget was given, whoever below it has it now.
  [[nodiscard]] PageCount limit() const { return limit_; }
  /// What its children hold.
  [[nodiscard]] PageCount lent() const {
    return limit_ - PageCount(own_of(word_.load(std::memory_order_relaxed)));
  }
  /// No slots for a CPU beyond kMaxCpus.
  [[nodiscard]] CpuSlots slots(CpuId cpu) const { return valid(cpu) ? slots_[cpu.raw()] : CpuSlots{}; }

 private:
  using Word = std::uint64_t;  ///< own << 32 | used, used <= own
  static constexpr unsigned kOwnShift = 32;

  static constexpr std::uint64_t used_of(Word word) { return word & kMaxPages.raw(); }
  static constexpr std::uint64_t own_of(Word word) { return word >> kOwnShift; }
  static constexpr std::uint64_t free_of(Word word) { return own_of(word) - used_of(word); }
  static constexpr bool valid(CpuId cpu) { return cpu.raw() < kMaxCpus; }

  [[nodiscard]] bool owns(const Budget& child) const { return child.parent_ == this; }
  bool give(PageCount pages);
  void receive(PageCount pages);

  std::atomic<Word> word_{0};
  PageCount limit_{};
  Budget* parent_{};
  std::size_t children_{};
  std::array<CpuSlots, kMaxCpus> slots_{};
};

}  // namespace fb::core::budget

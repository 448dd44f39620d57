// The algorithm of Event objects: 64 pending bits, handed to waiters in the order they came.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/cap/rights.hpp"
#include "core/list/list.hpp"
#include "core/types.hpp"

namespace fb::core::event {

/// One of the 64 bits of an Event; its meaning belongs to whoever bound a source to it.
enum class EventBit : std::uint8_t {};
using EventBits = cap::BitSet<EventBit>;
/// How many waiters one call may look at: bounds the time with interrupts off. At least 1.
using VisitLimit = Strong<struct VisitLimitTag, std::uint32_t>;

/// Embed one in whatever can wait on an Event; it waits on one at a time.
struct WaitNode {
  list::ListLink link;
  EventBits mask;   ///< waits for any of these
  EventBits taken;  ///< what woke it; empty while it waits and after a cancel
};

/// Pending bits and waiters of one Event (DESIGN 7; C2.10, C2.22). The caller holds the Event's lock in every
/// call but `pending`. A bit is consumed by exactly one taker; signals of a bit that is pending already
/// coalesce.
///
/// Hand-over goes in passes. A pass offers the bits that were new when it began to every waiter once, first
/// come first served; bits that arrive meanwhile are `fresh_` and form the next pass. So a pass that stops at
/// its limit goes on where it stopped, no waiter is overtaken, and no stream of signals can start it over.
/// Invariant: no queued waiter wants a settled bit (pending, and neither offered nor fresh).
///
/// A waiter that finds nobody waiting is not queued but noted as the only one, and stays that as long as it is alone:
/// then there is no pass.
template <class Waiter, WaitNode Waiter::* Node>
class EventSet {
 public:
  /// Peek without the lock: "an unmasked pending bit returns EVENT at once" (DESIGN 6). A hint until the lock
  /// is held; whoever pairs it with a flag of its own (running, parked) puts a seq_cst fence between the two.
  [[nodiscard]] EventBits pending() const {
    // acquire: who sees a bit also sees what its signaller wrote before (pairs with publish).
    return EventBits(pending_.load(std::memory_order_acquire));
  }

  /// Adds `bits`, then hands over as `resume` does.
  template <class Wake>
  [[nodiscard]] bool signal(EventBits bits, Wake&& wake, VisitLimit limit) {
    const EventBits now = held();
    if (only_ != nullptr) {
      if (Waiter* waiter = signal_only(bits)) {
        wake(*waiter, (waiter->*Node).taken);
      } else {
        publish(now.join(bits));
      }
      return false;
    }
    fresh_ = fresh_.join(bits.without(now));
    publish(now.join(bits));
    return resume(wake, limit);
  }

  /// The short way of `signal` for the common case: one waiter, who wants some of the bits that are new. It waits no
  /// longer and has them. Null, and nothing done, in any other case.
  [[nodiscard]] Waiter* signal_only(EventBits bits) {
    Waiter* woken = nullptr;
    signal_only(bits, [&](Waiter& waiter) { woken = &waiter; });
    return woken;
  }
  /// The same, with `wake(waiter)` called if there is one. False: nothing was done.
  template <class Wake>
  [[gnu::always_inline]] bool signal_only(EventBits bits, Wake&& wake) {
    if (only_ == nullptr) return false;
    WaitNode& node = *only_;
    const EventBits now = held();
    const EventBits taken = node.mask.meet(bits.without(now));
    if (taken.empty()) return false;
    only_ = nullptr;
    node.taken = taken;
    publish(now.join(bits).without(taken));
    wake(list::owner_of(node, Node));
    return true;
  }

  /// Looks at up to `limit` waiters; one that wants offered bits leaves the queue with exactly those, and
  /// `wake(waiter, bits)` runs, which must not call back into this set. True: waiters may be left to wake, so
  /// the caller drops the lock and calls again until false. A pass wakes at most 64: each takes at least one
  /// bit.
  template <class Wake>
  [[nodiscard]] bool resume(Wake&& wake, VisitLimit limit) {
    for (std::uint32_t left = limit.raw();;) {
      if (cursor_ == nullptr) {
        if (fresh_.empty()) return false;
        offered_ = fresh_;
        fresh_ = {};
        cursor_ = waiters_.front();
      }
      while (cursor_ != nullptr && !offered_.empty()) {
        if (left-- == 0) return true;
        WaitNode& node = *cursor_;
        cursor_ = waiters_.next(node);
        if (const EventBits bits = node.mask.meet(offered_); !bits.empty()) {
          waiters_.remove(node);
          consume(bits);
          node.taken = bits;
          wake(list::owner_of(node, Node), bits);
        }
      }
      end_pass();
    }
  }

  /// Consumes and returns the pending bits of `mask`, perhaps none; never blocks. During an unfinished pass
  /// this may take bits that a waiter would have been offered, as if it had come just before the signal.
  EventBits take(EventBits mask) {
    const EventBits bits = mask.meet(held());
    consume(bits);
    return bits;
  }

  /// The short way of `enqueue` when nobody waits (so no pass is under way either).
  [[gnu::always_inline]] EventBits enqueue_first(Waiter& waiter, EventBits mask) {
    WaitNode& node = waiter.*Node;
    const EventBits bits = mask.meet(held());
    node.mask = mask;
    if (!bits.empty()) [[unlikely]] {
      node.taken = bits;
      publish(held().without(bits));
    } else {
      node.taken = {};
      only_ = &node;
    }
    return bits;
  }

  /// Returns settled bits of `mask` at once, consumed; else `waiter`, which is not waiting, waits, and it
  /// returns none. Deciding and queueing are one step under the lock, so no wake-up is lost. An empty mask
  /// waits for `cancel`.
  [[gnu::always_inline]] EventBits enqueue(Waiter& waiter, EventBits mask) {
    WaitNode& node = waiter.*Node;
    const EventBits bits = mask.meet(held().without(offered_).without(fresh_));
    node.mask = mask;
    node.taken = bits;
    if (!bits.empty()) {
      consume(bits);
    } else if (only_ == nullptr && waiters_.empty()) {
      only_ = &node;
    } else {
      line_up();
      waiters_.push_back(node);
    }
    return bits;
  }

  /// True when `waiter` was still waiting and now is not (time-out, C2.22; death; revocation). False: it had
  /// been woken, and its `taken` says with what.
  bool cancel(Waiter& waiter) {
    WaitNode& node = waiter.*Node;
    if (only_ == &node) {
      only_ = nullptr;
      return true;
    }
    if (cursor_ == &node) {
      cursor_ = waiters_.next(node);
      if (cursor_ == nullptr) end_pass();
    }
    return waiters_.remove(node);
  }

  /// The longest-waiting one, cancelled: a dying Event stops its waiters one by one. Null when there is none.
  Waiter* cancel_first() {
    WaitNode* node = only_ != nullptr ? only_ : waiters_.front();
    if (node == nullptr) return nullptr;
    Waiter& waiter = list::owner_of(*node, Node);
    cancel(waiter);
    return &waiter;
  }

 private:
  // relaxed: all writers hold the lock.
  EventBits held() const { return EventBits(pending_.load(std::memory_order_relaxed)); }
  // release: pairs with the acquire in pending().
  void publish(EventBits bits) { pending_.store(bits.raw(), std::memory_order_release); }
  void consume(EventBits bits) {
    offered_ = offered_.without(bits);
    fresh_ = fresh_.without(bits);
    publish(held().without(bits));
  }
  /// The only waiter is not alone any more.
  void line_up() {
    if (only_ != nullptr) waiters_.push_back(*only_);
    only_ = nullptr;
  }
  /// What was offered and nobody wanted is settled: it waits for the next `enqueue` or `take`.
  void end_pass() {
    cursor_ = nullptr;
    offered_ = {};
  }

  std::atomic<std::uint64_t> pending_{0};
  EventBits offered_;   ///< of pending: what the running pass hands out
  EventBits fresh_;     ///< of pending: new since the running pass began
  WaitNode* only_{};    ///< who waits, if nobody else does and no pass is under way
  WaitNode* cursor_{};  ///< whom the running pass visits next; null between passes
  list::List<WaitNode, &WaitNode::link> waiters_;
};

}  // namespace fb::core::event

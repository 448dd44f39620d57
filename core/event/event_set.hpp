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
    fresh_ = fresh_.join(bits.without(now));
    publish(now.join(bits));
    return resume(wake, limit);
  }

  /// The short way of `signal` for the common case: one waiter, who wants some of the bits that are new. It has left the
  /// queue with them. Null, and nothing done, in any other case.
  [[nodiscard]] Waiter* signal_only(EventBits bits) {
    WaitNode* node = waiters_.front();
    if (node == nullptr || cursor_ != nullptr || waiters_.next(*node) != nullptr) return nullptr;
    const EventBits now = held();
    const EventBits taken = node->mask.meet(bits.without(now));
    if (taken.empty()) return nullptr;
    waiters_.remove(*node);
    node->taken = taken;
    publish(now.join(bits).without(taken));
    return &list::owner_of(*node, Node);
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

  /// Returns settled bits of `mask` at once, consumed; else queues `waiter`, which is on no queue, and
  /// returns none. Deciding and queueing are one step under the lock, so no wake-up is lost. An empty mask
  /// waits for `cancel`.
  EventBits enqueue(Waiter& waiter, EventBits mask) {
    WaitNode& node = waiter.*Node;
    const EventBits bits = mask.meet(held().without(offered_).without(fresh_));
    consume(bits);
    node.mask = mask;
    node.taken = bits;
    if (bits.empty()) waiters_.push_back(node);
    return bits;
  }

  /// True when `waiter` was still waiting and now is not (time-out, C2.22; death; revocation). False: it had
  /// been woken, and its `taken` says with what.
  bool cancel(Waiter& waiter) {
    WaitNode& node = waiter.*Node;
    if (cursor_ == &node) {
      cursor_ = waiters_.next(node);
      if (cursor_ == nullptr) end_pass();
    }
    return waiters_.remove(node);
  }

  /// The longest-waiting one, cancelled: a dying Event stops its waiters one by one. Null when there is none.
  Waiter* cancel_first() {
    WaitNode* node = waiters_.front();
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
  /// What was offered and nobody wanted is settled: it waits for the next `enqueue` or `take`.
  void end_pass() {
    cursor_ = nullptr;
    offered_ = {};
  }

  std::atomic<std::uint64_t> pending_{0};
  EventBits offered_;   ///< of pending: what the running pass hands out
  EventBits fresh_;     ///< of pending: new since the running pass began
  WaitNode* cursor_{};  ///< whom the running pass visits next; null between passes
  list::List<WaitNode, &WaitNode::link> waiters_;
};

}  // namespace fb::core::event

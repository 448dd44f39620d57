// The queueing lock of Mellor-Crummey and Scott (1991): each waiter looks at a word of its own.
#pragma once

#include "core/sync/processor.hpp"

namespace fb::core::sync {

/// Bounded waiting: who has exchanged the tail is overtaken by nobody, and the exchange does not retry.
template <class P = Processor>
class McsLock {
 public:
  /// One for each holder or waiter. It is the waiter's own until unlock has returned.
  struct Node {
    typename P::template Atomic<Node*> next{nullptr};
    typename P::template Atomic<bool> waits{false};
  };

  void lock(Node& mine) {
    // relaxed: the exchange publishes them.
    mine.next.store(nullptr, std::memory_order_relaxed);
    mine.waits.store(true, std::memory_order_relaxed);
    // acquire: what the last holder wrote, if nobody holds it; release: whoever finds the node finds it initialised.
    Node* const before = tail_.exchange(&mine, std::memory_order_acq_rel);
    if (before == nullptr) return;
    // release: the holder writes into the node that it finds here.
    before->next.store(&mine, std::memory_order_release);
    // acquire: what the last holder wrote is visible.
    P::await(mine.waits, std::memory_order_acquire, 1, [](bool waits) { return !waits; });
  }

  void unlock(Node& mine) {
    // acquire: the next one's node is initialised.
    Node* next = mine.next.load(std::memory_order_acquire);
    if (next == nullptr) {
      Node* expected = &mine;
      // release: what was written under the lock comes first; relaxed: a failure is followed by the wait below.
      if (tail_.compare_exchange_strong(expected, nullptr, std::memory_order_release,
                                        std::memory_order_relaxed))
        return;
      // Somebody is between its exchange and its store.
      next =
          P::await(mine.next, std::memory_order_acquire, 1, [](const Node* node) { return node != nullptr; });
    }
    // release: what was written under the lock comes first.
    next->waits.store(false, std::memory_order_release);
  }

 private:
  typename P::template Atomic<Node*> tail_{nullptr};
};

}  // namespace fb::core::sync

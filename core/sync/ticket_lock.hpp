// The ticket lock: first come, first served; all waiters look at one word.
#pragma once

#include <concepts>

#include "core/sync/processor.hpp"

namespace fb::core::sync {

/// Word: more values than there can be waiters at once. Bounded waiting: who has taken a ticket is overtaken by nobody, so
/// that with n threads at most n - 1 come before it; taking one is a single instruction that does not retry.
template <std::unsigned_integral Word, class P = Processor>
class TicketLock {
 public:
  void lock() {
    const Word mine = take();
    if (!is_served(mine)) [[unlikely]]
      wait_for(mine);
  }
  [[nodiscard]] bool try_lock() {
    Word mine = next_.load(std::memory_order_relaxed);
    // acquire, both: nobody holds it, and what the last holder wrote is visible.
    if (serving_.load(std::memory_order_acquire) != mine) return false;
    return next_.compare_exchange_strong(mine, static_cast<Word>(mine + 1), std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
  void unlock() {
    // relaxed load: only the holder writes it; release: what was written under the lock comes first.
    serving_.store(static_cast<Word>(serving_.load(std::memory_order_relaxed) + 1),
                   std::memory_order_release);
  }

  // For whoever waits in a way of its own.

  /// relaxed: a ticket orders nothing; is_served does.
  Word take() { return next_.fetch_add(1, std::memory_order_relaxed); }
  /// acquire: what the last holder wrote is visible to the one that is served.
  [[nodiscard]] bool is_served(Word ticket) const {
    return serving_.load(std::memory_order_acquire) == ticket;
  }

 private:
  [[gnu::noinline, gnu::cold, clang::preserve_most]] void wait_for(Word mine) const {
    P::await(serving_, std::memory_order_acquire, 1, [=](Word now) { return now == mine; });
  }

  typename P::template Atomic<Word> next_{0};
  typename P::template Atomic<Word> serving_{0};
};

}  // namespace fb::core::sync

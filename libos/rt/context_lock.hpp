// A lock between contexts of one domain that may run on several CPUs, or not run at all.
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/layout.h"
#include "core/sync/ticket_lock.hpp"

namespace fb::libos::rt {

/// Ticket lock: first come, first served. A waiter spins only while the holder is running, as its published flag says
/// (DESIGN §6); else, and after a while in any case, it gives its slice away, for the holder may need it.
template <auto kYield>
class ContextLock {
 public:
  /// `self`: the area of the context that takes the lock; null when it has none, then others spin briefly only. A waiter
  /// may look at it a moment after the lock was handed on, so it outlives every use of the lock.
  void lock(const exo_area* self) {
    const std::uint32_t ticket = lock_.take();
    unsigned spins = 0;
    while (!lock_.is_served(ticket)) {
      if (++spins % kSpins == 0 || !holder_runs()) {
        kYield();
      } else {
        __builtin_ia32_pause();
      }
    }
    // release: whoever finds the area there finds it initialised.
    holder_.store(self, std::memory_order_release);
  }
  void unlock() {
    holder_.store(nullptr, std::memory_order_relaxed);
    lock_.unlock();
  }

 private:
  static constexpr unsigned kSpins = 256;
  /// True when it is not known.
  [[nodiscard]] bool holder_runs() const {
    // acquire: pairs with the release in lock.
    const exo_area* holder = holder_.load(std::memory_order_acquire);
    return holder == nullptr || __atomic_load_n(&holder->running, __ATOMIC_RELAXED) != 0;
  }

  core::sync::TicketLock<std::uint32_t> lock_;
  std::atomic<const exo_area*> holder_{nullptr};
};

}  // namespace fb::libos::rt

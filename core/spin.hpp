// A minimal lock policy: what core/ templates need of a lock, and the plain spinning one.
#pragma once

#include <atomic>
#include <concepts>

namespace fb::core {

/// What a template in core/ asks of its lock policy (BasicLockable).
template <class L>
concept Lockable = requires(L lock) {
  lock.lock();
  lock.unlock();
};

/// Test-and-test-and-set lock. The kernel binds ranked ticket locks instead; hosts and rt use this one.
class SpinLock {
 public:
  void lock() {
    // acquire: what the last holder wrote is visible to the new one.
    while (held_.exchange(true, std::memory_order_acquire)) {
      while (held_.load(std::memory_order_relaxed)) __builtin_ia32_pause();
    }
  }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

/// Scoped ownership of any Lockable.
template <Lockable L>
class [[nodiscard]] Guard {
 public:
  explicit Guard(L& lock) : lock_(lock) { lock_.lock(); }
  ~Guard() { lock_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  L& lock_;
};

}  // namespace fb::core

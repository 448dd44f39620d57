// Waiting, as the file layer knows it: what sleeps is woken through a queue; how it sleeps is the caller's.
#pragma once

#include "core/list/list.hpp"
#include "core/types.hpp"
#include "libos/posix/base/errno.hpp"

namespace fb::libos::posix::vfs {

/// One that is woken, on at most one queue. Leaves it before it dies.
class Sleeper {
 public:
  Sleeper() = default;
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  /// It is on no queue now, and may join one again.
  virtual void wake() = 0;
  core::list::ListLink link;

 protected:
  ~Sleeper() = default;
};

/// Not for concurrent use: the LibOS lock is held.
class WaitQueue {
 public:
  void add(Sleeper& sleeper) { sleepers_.push_back(sleeper); }
  /// Before all others: who only looks on, as Linux has it.
  void add_first(Sleeper& sleeper) { sleepers_.push_front(sleeper); }
  void remove(Sleeper& sleeper) { sleepers_.remove(sleeper); }
  [[nodiscard]] bool empty() const { return sleepers_.empty(); }
  void wake_one() {
    if (Sleeper* const first = sleepers_.pop_front(); first != nullptr) first->wake();
  }
  /// All that are there now: who joins again in wake() is not woken twice.
  void wake_all() {
    if (sleepers_.empty()) return;
    Sleepers now;
    while (Sleeper* const next = sleepers_.pop_front()) now.push_back(*next);
    while (Sleeper* const next = now.pop_front()) next->wake();
  }

 private:
  using Sleepers = core::list::List<Sleeper, &Sleeper::link>;
  Sleepers sleepers_;
};

/// No deadline.
inline constexpr core::Nanoseconds kForever{~std::uint64_t{0}};

/// Who calls, as far as it can wait. The LibOS's switches fibres; a test's follows a script. Times are monotonic.
class Waiter {
 public:
  [[nodiscard]] virtual core::Nanoseconds now() const = 0;
  /// Until wake(), which may have come before, or the deadline. Errors: TimedOut, Restart when a signal is to be
  /// delivered.
  virtual Answer<> sleep(core::Nanoseconds deadline) = 0;
  /// Ends the sleep that is, or the next one.
  virtual void wake() = 0;
  /// Until the queue wakes it; what was waited for is then looked at again. Errors: those of sleep().
  Answer<> wait(WaitQueue& queue, core::Nanoseconds deadline = kForever);

 protected:
  ~Waiter() = default;
};

/// Ends all waiting for one thing, from now on or from the beginning: it is not to be waited for, or not wanted any more.
class Patience {
 public:
  explicit Patience(bool ended = false) : ended_(ended) {}
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;
  [[nodiscard]] bool ended() const { return ended_; }
  void end() {
    ended_ = true;
    if (waiter_ != nullptr) waiter_->wake();
  }
  /// Who sleeps for it now; null when nobody does.
  void set_waiter(Waiter* waiter) { waiter_ = waiter; }

 private:
  bool ended_;
  Waiter* waiter_ = nullptr;
};

/// Joins a queue for a waiter, as long as it lives or until it is woken. One for each queue: poll waits on many.
class QueuedWaiter final : Sleeper {
 public:
  QueuedWaiter(Waiter& waiter, WaitQueue& queue) : waiter_(waiter), queue_(queue) { queue.add(*this); }
  ~QueuedWaiter() { queue_.remove(*this); }
  QueuedWaiter(const QueuedWaiter&) = delete;
  QueuedWaiter& operator=(const QueuedWaiter&) = delete;

 private:
  void wake() override { waiter_.wake(); }

  Waiter& waiter_;
  WaitQueue& queue_;
};

inline Answer<> Waiter::wait(WaitQueue& queue, core::Nanoseconds deadline) {
  const QueuedWaiter queued(*this, queue);
  return sleep(deadline);
}

}  // namespace fb::libos::posix::vfs

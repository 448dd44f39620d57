// Waiting, as the file layer knows it: what sleeps is woken through a queue; how it sleeps is the caller's.
#pragma once

#include "core/list/list.hpp"
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
  void remove(Sleeper& sleeper) { sleepers_.remove(sleeper); }
  [[nodiscard]] bool empty() const { return sleepers_.empty(); }
  void wake_one() {
    if (Sleeper* const first = sleepers_.pop_front(); first != nullptr) first->wake();
  }
  /// All that are there now: who joins again in wake() is not woken twice.
  void wake_all() {
    Sleepers now;
    while (Sleeper* const next = sleepers_.pop_front()) now.push_back(*next);
    while (Sleeper* const next = now.pop_front()) next->wake();
  }

 private:
  using Sleepers = core::list::List<Sleeper, &Sleeper::link>;
  Sleepers sleepers_;
};

/// Who calls, as far as it can wait. The LibOS's switches fibres; a test's follows a script.
class Waiter {
 public:
  /// Until the queue wakes it; what was waited for is then looked at again. Errors: Interrupted.
  virtual Answer<> wait(WaitQueue& queue) = 0;

 protected:
  ~Waiter() = default;
};

}  // namespace fb::libos::posix::vfs

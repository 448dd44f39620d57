// Being on a queue for longer than one wake-up.
#pragma once

#include "libos/posix/vfs/wait.hpp"

namespace fb::libos::posix::poll {

/// Joins again whenever it is woken. Its queue wakes all, never one: that one might be this, which takes nothing.
class JoinedQueue : vfs::Sleeper {
 public:
  /// None before. The queue outlives it, or it leaves.
  void join(vfs::WaitQueue& queue) {
    queue_ = &queue;
    queue.add_first(*this);
  }
  void leave() {
    if (queue_ != nullptr) queue_->remove(*this);
    queue_ = nullptr;
  }

 protected:
  ~JoinedQueue() { leave(); }
  virtual void woken() = 0;

 private:
  void wake() override {
    queue_->add(*this);
    woken();
  }

  vfs::WaitQueue* queue_ = nullptr;
};

}  // namespace fb::libos::posix::poll

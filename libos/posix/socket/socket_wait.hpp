// Waiting in a socket: not at all, as long as a timeout says, or for ever.
#pragma once

#include "libos/posix/socket/socket.hpp"

namespace fb::libos::posix::socket {

class Socket::Wait {
 public:
  Wait(vfs::Waiter& waiter, bool blocks, core::Nanoseconds timeout)
      : waiter_(waiter),
        blocks_(blocks && timeout != core::Nanoseconds(0)),
        limited_(timeout != vfs::kForever) {
    if (!limited_ || !blocks_) return;
    const auto now = waiter.now();
    deadline_ = timeout > vfs::kForever - now ? vfs::kForever : now + timeout;
  }
  /// Errors: TryAgain, Restart; Interrupted where there is a timeout, which cannot begin anew (signal(7)).
  Answer<> on(vfs::WaitQueue& queue) {
    if (!blocks_) return fail(Errno::TryAgain);
    const auto woken = waiter_.wait(queue, deadline_);
    if (woken) return {};
    if (woken.error() == Errno::TimedOut) {
      blocks_ = false;  // what is there now is still looked at, once
      return {};
    }
    return fail(limited_ && woken.error() == Errno::Restart ? Errno::Interrupted : woken.error());
  }
  [[nodiscard]] bool blocks() const { return blocks_; }

 private:
  vfs::Waiter& waiter_;
  bool blocks_, limited_;
  core::Nanoseconds deadline_ = vfs::kForever;
};

}  // namespace fb::libos::posix::socket

// Waiting in a call: the process's fibre sleeps, and others run.
#pragma once

#include "libos/posix/vfs/wait.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::posix::task {

/// Lives on the stack of the fibre that waits by it.
class FibreWaiter final : public vfs::Waiter, vfs::Sleeper {
 public:
  explicit FibreWaiter(rt::Fibres& fibres) : fibres_(fibres), fibre_(*fibres.current()) {}
  Answer<> wait(vfs::WaitQueue& queue) override {
    woken_ = false;
    queue.add(*this);
    while (!woken_) fibres_.block();
    return {};
  }

 private:
  void wake() override {
    woken_ = true;
    fibres_.unblock(fibre_);
  }

  rt::Fibres& fibres_;
  rt::Fibre& fibre_;
  bool woken_ = false;
};

}  // namespace fb::libos::posix::task

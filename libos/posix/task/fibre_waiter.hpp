// Waiting in a call: the process's fibre sleeps, and others run.
#pragma once

#include <utility>

#include "libos/posix/vfs/wait.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::posix::task {

/// Lives on the stack of the fibre that waits by it.
class FibreWaiter final : public vfs::Waiter {
 public:
  explicit FibreWaiter(rt::Fibres& fibres) : fibres_(fibres), fibre_(*fibres.current()) {}
  [[nodiscard]] core::Nanoseconds now() const override { return rt::now(); }
  Answer<> sleep(core::Nanoseconds deadline) override {
    while (!std::exchange(woken_, false)) {
      if (!fibres_.block(deadline)) return fail(Errno::TimedOut);
    }
    return {};
  }
  void wake() override {
    woken_ = true;
    fibres_.unblock(fibre_);
  }

 private:
  rt::Fibres& fibres_;
  rt::Fibre& fibre_;
  bool woken_ = false;
};

}  // namespace fb::libos::posix::task

// Waiting in a call: the thread's fibre sleeps, and others run.
#pragma once

#include <utility>

#include "libos/posix/task/thread.hpp"
#include "libos/posix/vfs/wait.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::posix::task {

/// Lives on the stack of the fibre that waits by it. Signals end the wait of a thread, and nothing that of none.
class FibreWaiter final : public vfs::Waiter {
 public:
  explicit FibreWaiter(rt::Fibres& fibres, const Thread* thread = nullptr)
      : fibres_(fibres), fibre_(*fibres.current()), thread_(thread) {}
  [[nodiscard]] core::Nanoseconds now() const override { return rt::now(); }
  Answer<> sleep(core::Nanoseconds deadline) override {
    while (!std::exchange(woken_, false)) {
      if (thread_ != nullptr && thread_->interrupted()) return fail(Errno::Restart);
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
  const Thread* thread_;
  bool woken_ = false;
};

}  // namespace fb::libos::posix::task

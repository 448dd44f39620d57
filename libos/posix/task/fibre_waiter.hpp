// Waiting in a call: the thread's fibre sleeps, and others run.
#pragma once

#include <utility>

#include "libos/posix/task/thread.hpp"
#include "libos/posix/vfs/wait.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::posix::task {

/// Lives on the stack of the fibre that waits by it. Signals end the wait of a thread, and nothing that of none; the end of a
/// patience ends it with TryAgain, and then signals do not count.
class FibreWaiter final : public vfs::Waiter {
 public:
  explicit FibreWaiter(rt::Fibres& fibres, const Thread* thread = nullptr)
      : fibres_(fibres), fibre_(*fibres.current()), thread_(thread) {}
  FibreWaiter(rt::Fibres& fibres, vfs::Patience& patience)
      : fibres_(fibres), fibre_(*fibres.current()), thread_(nullptr), patience_(&patience) {}
  [[nodiscard]] core::Nanoseconds now() const override { return rt::now(); }
  Answer<> sleep(core::Nanoseconds deadline) override {
    while (!std::exchange(woken_, false)) {
      if (thread_ != nullptr && thread_->interrupted()) return fail(Errno::Restart);
      if (patience_ != nullptr && patience_->ended()) return fail(Errno::TryAgain);
      if (patience_ != nullptr) patience_->set_waiter(this);
      const bool in_time = fibres_.block(deadline);
      if (patience_ != nullptr) patience_->set_waiter(nullptr);
      if (!in_time) return fail(Errno::TimedOut);
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
  vfs::Patience* patience_ = nullptr;
  bool woken_ = false;
};

}  // namespace fb::libos::posix::task

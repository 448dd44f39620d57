// A waiter that does what a script says instead of sleeping.
#pragma once

#include <functional>
#include <vector>

#include "libos/posix/vfs/wait.hpp"

namespace fb::libos::posix::vfs::test {

/// Each wait takes the next step, which says whether it was woken before; one too many is Interrupted.
class Script final : public Waiter {
 public:
  Script() = default;
  explicit Script(std::vector<std::function<void()>> steps) : steps_(std::move(steps)) {}
  Answer<> wait(WaitQueue& queue) override {
    ++waits;
    if (next_ == steps_.size()) return fail(Errno::Interrupted);
    Sleeping sleeper;
    queue.add(sleeper);
    steps_[next_++]();
    queue.remove(sleeper);
    woken += sleeper.woken ? 1 : 0;
    return {};
  }
  int waits = 0, woken = 0;

 private:
  struct Sleeping final : Sleeper {
    void wake() override { woken = true; }
    bool woken = false;
  };
  std::vector<std::function<void()>> steps_;
  std::size_t next_ = 0;
};

}  // namespace fb::libos::posix::vfs::test

// A waiter that does what a script says instead of sleeping.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "libos/posix/vfs/wait.hpp"

namespace fb::libos::posix::vfs::test {

/// Each sleep takes the next step, which says whether it was woken before; one too many is a signal's.
class Script final : public Waiter {
 public:
  Script() = default;
  explicit Script(std::vector<std::function<void()>> steps) : steps_(std::move(steps)) {}
  [[nodiscard]] core::Nanoseconds now() const override { return time; }
  Answer<> sleep(core::Nanoseconds deadline) override {
    ++waits;
    if (next_ == steps_.size()) return fail(Errno::Restart);
    steps_[next_++]();
    if (std::exchange(woken_, false)) {
      ++woken;
    } else if (time >= deadline) {
      return fail(Errno::TimedOut);
    }
    return {};
  }
  void wake() override { woken_ = true; }

  int waits = 0, woken = 0;
  core::Nanoseconds time;  ///< a step may let it pass

 private:
  std::vector<std::function<void()>> steps_;
  std::size_t next_ = 0;
  bool woken_ = false;
};

}  // namespace fb::libos::posix::vfs::test

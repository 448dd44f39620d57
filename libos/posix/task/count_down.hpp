// Counting down, on the clock or on a process's processor time: what timers of processes are made of.
#pragma once

#include "libos/posix/poll/alarms.hpp"

namespace fb::libos::posix::task {

class Process;

/// Expires once or in intervals. Not for concurrent use: the LibOS lock is held.
class CountDown : poll::Alarm {
 public:
  enum class Clock : std::uint8_t { Monotonic, Processor };
  struct Setting {
    core::Nanoseconds left{};  ///< 0: it is not armed
    core::Nanoseconds interval{};
  };

  /// Both outlive it.
  CountDown(poll::Alarms& alarms, const Process& process, Clock clock)
      : alarms_(alarms), process_(process), clock_(clock) {}

  void set(const Setting& setting);
  [[nodiscard]] Setting setting() const;
  /// On its clock.
  [[nodiscard]] core::Nanoseconds now() const;

 protected:
  ~CountDown() { alarms_.cancel(*this); }
  /// So many intervals have passed, at least one.
  virtual void expired(std::uint64_t times) = 0;

 private:
  void ring() override;
  void arm(core::Nanoseconds now);

  poll::Alarms& alarms_;
  const Process& process_;
  Clock clock_;
  core::Nanoseconds next_ = vfs::kForever, interval_{};
};

}  // namespace fb::libos::posix::task

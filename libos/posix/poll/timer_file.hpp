// timerfd_create(2): expirations that can be waited for.
#pragma once

#include "libos/posix/poll/abi.hpp"
#include "libos/posix/poll/event_file.hpp"
#include "libos/posix/poll/services.hpp"

namespace fb::libos::posix::poll {

/// Expirations are counted when somebody asks; the alarm rings for the first that nobody has read, as one of Linux does, so
/// that no interval keeps the LibOS busy. Nobody sets the clock of time since 1970: absolute times are moments of the
/// monotonic one from the beginning, and TFD_TIMER_CANCEL_ON_SET never cancels.
class TimerFile final : public EventFile, private Alarm {
 public:
  static constexpr char kAnonymousName[] = "[timerfd]";

  /// `services` outlives it.
  TimerFile(Services& services, timer::Clock clock, std::uint32_t flags)
      : EventFile(flags | vfs::flag::kReadWrite), services_(services), clock_(clock) {}
  ~TimerFile() override { services_.alarms.cancel(*this); }

  /// Gives what was set before. Errors: Invalid for flags and times that are none.
  Answer<TimerSetting> set(std::uint32_t flags, const TimerSetting& setting);
  /// What is left until the next expiration, and the interval.
  [[nodiscard]] TimerSetting setting() const;

  [[nodiscard]] vfs::PollState poll() override;
  [[nodiscard]] const char* anonymous_name() const override { return kAnonymousName; }

 private:
  [[nodiscard]] bool expired() const { return next_ != vfs::kForever && next_ <= services_.alarms.now(); }
  void expire_at(core::Nanoseconds time);
  void ring() override { to_read_.wake_all(); }
  /// How often it has expired since it was read. Errors: Invalid for less than 8 bytes, TryAgain, Restart, Fault.
  Answer<std::size_t> on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) override;

  Services& services_;
  timer::Clock clock_;
  core::Nanoseconds next_ =
      vfs::kForever;  ///< the first expiration that was not read; kForever: it is not armed
  core::Nanoseconds interval_{};
  vfs::WaitQueue to_read_;
};

/// timerfd_create. Errors: Invalid for unknown clocks and flags, NoMemory.
Answer<Ref<vfs::File>> make_timer(Services& services, std::uint32_t clock, std::uint32_t flags);

}  // namespace fb::libos::posix::poll

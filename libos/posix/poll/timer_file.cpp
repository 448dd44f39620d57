#include "libos/posix/poll/timer_file.hpp"

#include "libos/posix/poll/time.hpp"

namespace fb::libos::posix::poll {

void TimerFile::expire_at(core::Nanoseconds time) {
  next_ = time;
  if (time == vfs::kForever)
    services_.alarms.cancel(*this);
  else
    services_.alarms.set(*this, time);
}

TimerSetting TimerFile::setting() const {
  TimerSetting setting{.interval = timespec_of(interval_), .value = {}};
  if (next_ == vfs::kForever) return setting;
  const core::Nanoseconds now = services_.alarms.now();
  core::Nanoseconds left = left_until(next_, now);
  if (next_ <= now && interval_ != core::Nanoseconds(0)) {
    left = interval_ - core::Nanoseconds((now - next_).raw() % interval_.raw());
  }
  setting.value = timespec_of(left);
  return setting;
}

Answer<TimerSetting> TimerFile::set(std::uint32_t flags, const TimerSetting& wanted) {
  if ((flags & ~(timer::kAbsolute | timer::kCancelOnSet)) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto value, duration_of(wanted.value));
  FB_ASSIGN(const auto interval, duration_of(wanted.interval));
  const TimerSetting before = setting();
  interval_ = interval;
  const core::Nanoseconds now = services_.alarms.now();
  if (value == core::Nanoseconds(0)) {
    expire_at(vfs::kForever);
  } else if ((flags & timer::kAbsolute) == 0) {
    expire_at(deadline_after(now, value));
  } else if (clock_ == timer::Clock::Real || clock_ == timer::Clock::RealAlarm) {
    const core::Nanoseconds real = services_.clock.now();
    expire_at(value > real ? deadline_after(now, value - real) : now);
  } else {
    expire_at(value);
  }
  return before;
}

vfs::PollState TimerFile::poll() {
  return {.events = expired() ? vfs::poll::kIn : 0, .queues = {&to_read_, nullptr}};
}

Answer<std::size_t> TimerFile::on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) {
  std::uint64_t expirations = 1;
  if (count < sizeof(expirations)) return fail(Errno::Invalid);
  while (!expired()) {
    if (!blocks()) return fail(Errno::TryAgain);
    FB_TRY(waiter.wait(to_read_));
  }
  if (interval_ == core::Nanoseconds(0)) {
    expire_at(vfs::kForever);
  } else {
    expirations += (services_.alarms.now() - next_).raw() / interval_.raw();
    expire_at(deadline_after(next_, interval_ * expirations));
  }
  // As under Linux, they are read even when they cannot be told.
  FB_TRY(put_number(out, expirations));
  return sizeof(expirations);
}

Answer<Ref<vfs::File>> make_timer(Services& services, std::uint32_t clock, std::uint32_t flags) {
  if ((flags & ~kMakeFlags) != 0) return fail(Errno::Invalid);
  const auto which = static_cast<timer::Clock>(clock);
  switch (which) {
    case timer::Clock::Real:
    case timer::Clock::Monotonic:
    case timer::Clock::Boot:
    case timer::Clock::RealAlarm:
    case timer::Clock::BootAlarm: {
      FB_ASSIGN(const auto made, make_shared<TimerFile>(services, which, flags & vfs::flag::kNonBlock));
      return made;
    }
  }
  return fail(Errno::Invalid);
}

}  // namespace fb::libos::posix::poll

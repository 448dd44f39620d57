#include "libos/posix/task/count_down.hpp"

#include "libos/posix/task/process.hpp"
#include "libos/posix/task/processor_time.hpp"

namespace fb::libos::posix::task {

core::Nanoseconds CountDown::now() const {
  return clock_ == Clock::Monotonic ? alarms_.now() : processor_time(process_.ticks());
}

/// Processor time passes no faster than the clock, on one processor: then is early enough to look again.
void CountDown::arm(core::Nanoseconds now) {
  constexpr core::Nanoseconds kOften{1'000'000};
  if (next_ == vfs::kForever) return alarms_.cancel(*this);
  auto left = next_ > now ? next_ - now : core::Nanoseconds(0);
  if (clock_ == Clock::Processor && left < kOften) left = kOften;
  alarms_.set(*this, alarms_.now() + left);
}

void CountDown::set(const Setting& setting) {
  const auto current = now();
  interval_ = setting.interval;
  const bool armed = setting.left != core::Nanoseconds(0);
  next_ = !armed || setting.left > vfs::kForever - current ? vfs::kForever : current + setting.left;
  arm(current);
}

CountDown::Setting CountDown::setting() const {
  if (next_ == vfs::kForever) return {.left = {}, .interval = interval_};
  const auto current = now();
  // About to expire is not the same as not armed.
  return {.left = next_ > current ? next_ - current : core::Nanoseconds(1), .interval = interval_};
}

void CountDown::ring() {
  const auto current = now();
  if (current < next_) return arm(current);
  std::uint64_t times = 1;
  if (interval_ == core::Nanoseconds(0)) {
    next_ = vfs::kForever;
  } else {
    times += (current - next_).raw() / interval_.raw();
    next_ += interval_ * times;
  }
  arm(current);
  expired(times);
}

}  // namespace fb::libos::posix::task

#include "libos/posix/task/timers.hpp"

#include <algorithm>
#include <limits>

#include "libos/posix/task/processes.hpp"
#include "libos/posix/task/signals.hpp"

namespace fb::libos::posix::task {

using signal::Info;
using signal::Signal;

void IntervalTimer::expired(std::uint64_t /*times*/) {
  static_cast<void>(send(process_, Info::of(signal_, signal::code::kKernel)));
}

void PosixTimer::expired(std::uint64_t times) {
  constexpr std::uint32_t kMostOverrun = std::numeric_limits<std::int32_t>::max();
  if (!notice_.signal) return;
  Thread* const thread = process_.system.processes.find_thread(notice_.thread);
  const bool to_thread = thread != nullptr && &thread->process == &process_;
  const auto pending = to_thread ? thread->signals.pending() : process_.signals.pending();
  const bool untold = pending.has(*notice_.signal);
  const auto more = std::min<std::uint64_t>(untold ? overrun_ + times : times - 1, kMostOverrun);
  overrun_ = static_cast<std::uint32_t>(more);
  if (untold) return;
  auto info = Info::of(*notice_.signal, signal::code::kTimer);
  info.payload = {static_cast<std::uint32_t>(id) | std::uint64_t{overrun_} << 32, notice_.value};
  static_cast<void>(to_thread ? send(*thread, info) : send(process_, info));
}

Timers::Timers(poll::Alarms& alarms, Process& process)
    : alarms_(alarms),
      process_(process),
      intervals_{IntervalTimer{alarms, process, CountDown::Clock::Monotonic, Signal::Alarm},
                 IntervalTimer{alarms, process, CountDown::Clock::Processor, Signal::VirtualAlarm},
                 IntervalTimer{alarms, process, CountDown::Clock::Processor, Signal::Profile}} {}

Answer<PosixTimer*> Timers::add(CountDown::Clock clock, bool real_time, std::optional<Notice> notice) {
  if (timers_.size() == kMost) return fail(Errno::TryAgain);
  const auto id = next_id_;
  // Without one, SIGALRM with the timer's number.
  const Notice usual{.signal = Signal::Alarm, .thread = {}, .value = static_cast<std::uint64_t>(id)};
  std::unique_ptr<PosixTimer> made(
      new (std::nothrow) PosixTimer(alarms_, process_, clock, id, real_time, notice.value_or(usual)));
  if (!made) return fail(Errno::NoMemory);
  PosixTimer* const timer = made.get();
  FB_TRY(timers_.push_back(std::move(made)));
  do next_id_ = next_id_ == std::numeric_limits<std::int32_t>::max() ? 0 : next_id_ + 1;
  while (find(next_id_) != nullptr);
  return timer;
}

PosixTimer* Timers::find(std::int32_t id) const {
  for (const auto& timer : timers_) {
    if (timer->id == id) return timer.get();
  }
  return nullptr;
}

void Timers::remove(const PosixTimer& timer) {
  for (std::size_t i = 0; i < timers_.size(); ++i) {
    if (timers_[i].get() == &timer) return timers_.erase(i);
  }
}

void Timers::stop_all() {
  for (auto& timer : intervals_) timer.set({});
  remove_all();
}

}  // namespace fb::libos::posix::task

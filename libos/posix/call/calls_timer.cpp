// Timers that send signals (setitimer(2), alarm(2), timer_create(2), signalfd(2); C4.08).
#include "libos/posix/call/clocks.hpp"
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/time.hpp"
#include "libos/posix/task/processes.hpp"
#include "libos/posix/task/signal_file.hpp"
#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::call {
namespace {

using task::CountDown;

/// struct itimerval and struct itimerspec.
template <class Time>
struct Pair {
  Time interval, value;
};

template <class Time>
Answer<CountDown::Setting> setting_at(Call& call, core::VirtAddr at) {
  FB_ASSIGN(const auto pair, call.get<Pair<Time>>(at));
  FB_ASSIGN(const auto left, nanoseconds_of(pair.value));
  FB_ASSIGN(const auto interval, nanoseconds_of(pair.interval));
  return CountDown::Setting{.left = left, .interval = interval};
}

template <class Time>
Answer<> put_setting(Call& call, core::VirtAddr at, const CountDown::Setting& setting) {
  return call.put(at, Pair<Time>{.interval = Time::of(setting.interval), .value = Time::of(setting.left)});
}

Answer<task::IntervalTimer*> interval_timer(Call& call) {
  if (call.word32(0) >= task::Timers::kIntervals) return fail(Errno::Invalid);
  return &call.process.timers.interval(call.word32(0));
}

Answer<task::PosixTimer*> posix_timer(Call& call) {
  task::PosixTimer* const found = call.process.timers.find(call.number32(0));
  if (found == nullptr) return fail(Errno::Invalid);
  return found;
}

}  // namespace

Done do_getitimer(Call& call) {
  FB_ASSIGN(const task::IntervalTimer* const timer, interval_timer(call));
  FB_TRY(put_setting<TimeVal>(call, call.address(1), timer->setting()));
  return 0;
}

Done do_setitimer(Call& call) {
  FB_ASSIGN(task::IntervalTimer* const timer, interval_timer(call));
  CountDown::Setting fresh;
  if (call.word(1) != 0) {
    FB_ASSIGN(fresh, setting_at<TimeVal>(call, call.address(1)));
  }
  const auto old = timer->setting();
  timer->set(fresh);
  if (call.word(2) != 0) FB_TRY(put_setting<TimeVal>(call, call.address(2), old));
  return 0;
}

/// Seconds that were left, rounded, but not down to none.
Done do_alarm(Call& call) {
  auto& timer = call.process.timers.interval(0);
  const auto left = timer.setting().left.raw();
  timer.set({.left = core::Nanoseconds(call.word32(0) * kSecond), .interval = {}});
  if (left == 0) return 0;
  return std::max<std::uint64_t>((left + kSecond / 2) / kSecond, 1);
}

namespace {

/// struct sigevent, as far as ring-3 code of the C library fills it.
struct Event {
  std::uint64_t value;
  std::int32_t signal, notify, thread;
  std::array<std::uint32_t, 11> padding;
};
static_assert(sizeof(Event) == 64);

/// Errors: Invalid.
Answer<task::Notice> notice_of(Call& call, const Event& event) {
  enum Notify : std::int32_t { kSignal = 0, kNone = 1, kThreadId = 4 };
  task::Notice notice{.signal = {}, .thread = {}, .value = event.value};
  if (event.notify == kNone) return notice;
  if (event.notify != kSignal && event.notify != (kSignal | kThreadId)) return fail(Errno::Invalid);
  notice.signal =
      event.signal < 0 ? std::nullopt : signal::signal_of(static_cast<std::uint64_t>(event.signal));
  if (!notice.signal) return fail(Errno::Invalid);
  if (event.notify == kSignal) return notice;
  const auto* const thread = call.process.system.processes.find_thread(task::Pid(event.thread));
  if (thread == nullptr || &thread->process != &call.process) return fail(Errno::Invalid);
  notice.thread = thread->tid;
  return notice;
}

}  // namespace

Done do_timer_create(Call& call) {
  const auto clock = call.number32(0);
  FB_TRY(clock_now(call, clock));
  const auto id = static_cast<ClockId>(clock);
  const bool processor = clock < 0 || id == ClockId::Process || id == ClockId::Thread;
  const bool real = id == ClockId::Realtime || id == ClockId::RealtimeAlarm || id == ClockId::Tai;
  std::optional<task::Notice> notice;
  if (call.word(1) != 0) {
    FB_ASSIGN(const auto event, call.get<Event>(call.address(1)));
    FB_ASSIGN(notice, notice_of(call, event));
  }
  auto& timers = call.process.timers;
  FB_ASSIGN(const task::PosixTimer* const timer,
            timers.add(processor ? CountDown::Clock::Processor : CountDown::Clock::Monotonic, real, notice));
  if (const auto told = call.put(call.address(2), timer->id); !told) {
    timers.remove(*timer);
    return fail(told.error());
  }
  return 0;
}

Done do_timer_settime(Call& call) {
  constexpr std::uint32_t kAbsolute = 1;
  FB_ASSIGN(auto fresh, setting_at<TimeSpec>(call, call.address(2)));
  FB_ASSIGN(task::PosixTimer* const timer, posix_timer(call));
  const auto old = timer->setting();
  if ((call.word32(1) & kAbsolute) != 0 && fresh.left != core::Nanoseconds(0)) {
    const auto now = timer->real_time ? call.process.system.clock.now() : timer->now();
    fresh.left = fresh.left > now ? fresh.left - now : core::Nanoseconds(1);
  }
  timer->set(fresh);
  if (call.word(3) != 0) FB_TRY(put_setting<TimeSpec>(call, call.address(3), old));
  return 0;
}

Done do_timer_gettime(Call& call) {
  FB_ASSIGN(const task::PosixTimer* const timer, posix_timer(call));
  FB_TRY(put_setting<TimeSpec>(call, call.address(1), timer->setting()));
  return 0;
}

Done do_timer_getoverrun(Call& call) {
  FB_ASSIGN(const task::PosixTimer* const timer, posix_timer(call));
  return timer->overrun();
}

Done do_timer_delete(Call& call) {
  FB_ASSIGN(const task::PosixTimer* const timer, posix_timer(call));
  call.process.timers.remove(*timer);
  return 0;
}

namespace {

Done open_signals(Call& call, std::uint32_t flags) {
  if ((flags & ~(vfs::flag::kNonBlock | vfs::flag::kCloseOnExec)) != 0) return fail(Errno::Invalid);
  if (call.word(2) != sizeof(signal::Set)) return fail(Errno::Invalid);
  FB_ASSIGN(const auto asked, call.get<signal::Set>(call.address(1)));
  const auto mask = asked & ~signal::kUnstoppable;
  auto& process = call.process;
  if (call.number32(0) == -1) {
    FB_ASSIGN(const auto file, make_shared<task::SignalFile>(process, process.system.fibres, mask,
                                                             flags & vfs::flag::kNonBlock));
    FB_ASSIGN(const auto number, process.descriptors.add(file, (flags & vfs::flag::kCloseOnExec) != 0));
    return static_cast<std::uint64_t>(number);
  }
  FB_ASSIGN(const auto file, process.descriptors.get(call.number32(0)));
  auto* const signals = vfs::file_as<task::SignalFile>(*file);
  if (signals == nullptr) return fail(Errno::Invalid);
  signals->set_mask(mask);
  return call.word32(0);
}

}  // namespace

Done do_signalfd(Call& call) { return open_signals(call, 0); }
Done do_signalfd4(Call& call) { return open_signals(call, call.word32(3)); }

}  // namespace fb::libos::posix::call

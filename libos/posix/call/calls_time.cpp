// Clocks (clock_gettime(2); C4.06).
#include "libos/posix/call/clocks.hpp"
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/time.hpp"
#include "libos/posix/task/processes.hpp"
#include "libos/posix/task/processor_time.hpp"

namespace fb::libos::posix::call {

using task::processor_time;

namespace {

/// CLOCK_PROCESS_CPUTIME_ID of another process is its number, complemented, above three bits (clock_getcpuclockid(3)).
Answer<core::Nanoseconds> time_of_process(Call& call, std::int32_t clock) {
  constexpr std::int32_t kThreadBit = 4;
  const task::Pid number(~(clock >> 3));
  auto& processes = call.process.system.processes;
  if ((clock & kThreadBit) != 0) {
    const auto* const thread = number.raw() == 0 ? &call.thread : processes.find_thread(number);
    if (thread == nullptr) return fail(Errno::Invalid);
    return processor_time(thread->ticks());
  }
  const auto* const process = number.raw() == 0 ? &call.process : processes.find(number);
  if (process == nullptr) return fail(Errno::Invalid);
  return processor_time(process->ticks());
}

}  // namespace

Answer<core::Nanoseconds> clock_now(Call& call, std::int32_t clock) {
  if (clock < 0) return time_of_process(call, clock);
  switch (static_cast<ClockId>(clock)) {
    case ClockId::Realtime:
    case ClockId::RealtimeCoarse:
    case ClockId::RealtimeAlarm:
    case ClockId::Tai:
      return call.process.system.clock.now();
    case ClockId::Monotonic:
    case ClockId::MonotonicRaw:
    case ClockId::MonotonicCoarse:
    case ClockId::BootTime:
    case ClockId::BootTimeAlarm:
      // What the vDSO says, so that no program sees time go backwards between the two.
      return core::Nanoseconds(call.process.system.vdso->clock().now(vdso::kMonotonic));
    case ClockId::Process:
      return processor_time(call.process.ticks());
    case ClockId::Thread:
      return processor_time(call.thread.ticks());
  }
  return fail(Errno::Invalid);
}

Done do_clock_gettime(Call& call) {
  FB_ASSIGN(const auto now, clock_now(call, call.number32(0)));
  FB_TRY(call.put(call.address(1), TimeSpec::of(now)));
  return 0;
}

Done do_clock_getres(Call& call) {
  FB_TRY(clock_now(call, call.number32(0)));
  if (call.word(1) != 0) FB_TRY(call.put(call.address(1), TimeSpec{.seconds = 0, .nanoseconds = 1}));
  return 0;
}

Done do_clock_settime(Call& call) {
  FB_TRY(clock_now(call, call.number32(0)));
  return fail(Errno::Perm);  // the machine's clock is not this instance's
}

Done do_time(Call& call) {
  const auto seconds = call.process.system.clock.now().raw() / kSecond;
  if (call.word(0) != 0) FB_TRY(call.put(call.address(0), seconds));
  return seconds;
}

Done do_gettimeofday(Call& call) {
  if (call.word(0) != 0) FB_TRY(call.put(call.address(0), TimeVal::of(call.process.system.clock.now())));
  if (call.word(1) != 0) FB_TRY(call.put(call.address(1), std::uint64_t{0}));
  return 0;
}

Done do_times(Call& call) {
  constexpr std::uint64_t kTick = kSecond / 100;
  const auto ticks_of = [](core::Ticks ticks) { return processor_time(ticks).raw() / kTick; };
  if (call.word(0) != 0) {
    const std::array<std::uint64_t, 4> told{ticks_of(call.process.ticks()), 0,
                                            ticks_of(call.process.children_ticks), 0};
    FB_TRY(call.put(call.address(0), told));
  }
  return rt::now().raw() / kTick;
}

Done do_getrusage(Call& call) {
  enum Who : std::int32_t { kChildren = -1, kSelf = 0, kThread = 1 };
  struct {
    TimeVal user, system;
    std::uint64_t most_resident_kilobytes;
    std::array<std::uint64_t, 13> others;
  } usage{};
  switch (call.number32(0)) {
    case kSelf:
      usage.user = TimeVal::of(processor_time(call.process.ticks()));
      break;
    case kChildren:
      usage.user = TimeVal::of(processor_time(call.process.children_ticks));
      break;
    case kThread:
      usage.user = TimeVal::of(processor_time(call.thread.ticks()));
      break;
    default:
      return fail(Errno::Invalid);
  }
  usage.most_resident_kilobytes = call.memory().resident().raw() * (core::kPageSize / 1024);
  FB_TRY(call.put(call.address(1), usage));
  return 0;
}

}  // namespace fb::libos::posix::call

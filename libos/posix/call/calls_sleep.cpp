// Sleeping (nanosleep(2), clock_nanosleep(2); C4.07).
#include "libos/posix/call/clocks.hpp"
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/time.hpp"

namespace fb::libos::posix::call {
namespace {

/// Until `deadline`, monotonic. What is left goes to `left`, if that is not 0, when a signal ends it.
Done sleep_until(Call& call, core::Nanoseconds deadline, core::VirtAddr left) {
  auto waiter = call.waiter();
  for (;;) {
    const auto slept = waiter.sleep(deadline);
    if (slept) continue;
    if (slept.error() == Errno::TimedOut) return 0;
    call.thread.resumed_deadline = deadline;
    const auto now = waiter.now();
    if (left != core::VirtAddr(0) && now < deadline) FB_TRY(call.put(left, TimeSpec::of(deadline - now)));
    return fail(Errno::RestartNoHandler);
  }
}

/// That of a sleep which a stop has interrupted, or a new one.
core::Nanoseconds deadline_for(Call& call, core::Nanoseconds time) {
  if (const auto resumed = std::exchange(call.thread.resumed_deadline, {})) return *resumed;
  return after(rt::now(), time);
}

}  // namespace

Done do_nanosleep(Call& call) {
  FB_ASSIGN(const auto time, time_at(call, call.address(0)));
  return sleep_until(call, deadline_for(call, time), call.address(1));
}

Done do_clock_nanosleep(Call& call) {
  constexpr std::uint32_t kAbsolute = 1;
  const auto clock = call.number32(0);
  if (clock == static_cast<std::int32_t>(ClockId::Thread)) return fail(Errno::Invalid);
  FB_ASSIGN(const auto now, clock_now(call, clock));
  FB_ASSIGN(const auto time, time_at(call, call.address(2)));
  if ((call.word32(1) & kAbsolute) == 0) return sleep_until(call, deadline_for(call, time), call.address(3));
  if (time <= now) return 0;
  return sleep_until(call, after(rt::now(), time - now), core::VirtAddr(0));
}

}  // namespace fb::libos::posix::call

#include "libos/posix/call/handlers.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::posix::call {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000, kMicrosecond = 1'000;

struct TimeSpec {
  std::uint64_t seconds, nanoseconds;
};

}  // namespace

Done do_clock_gettime(Call& call) {
  enum Clock : std::uint32_t {
    kRealtime,
    kMonotonic,
    kProcessTime,
    kThreadTime,
    kMonotonicRaw,
    kRealtimeCoarse,
    kMonotonicCoarse,
    kBootTime
  };
  core::Nanoseconds now;
  switch (call.word32(0)) {
    case kRealtime:
    case kRealtimeCoarse:
      now = call.process.system.clock.now();
      break;
    case kMonotonic:
    case kMonotonicRaw:
    case kMonotonicCoarse:
    case kBootTime:
      now = rt::now();
      break;
    default:
      return fail(Errno::Invalid);
  }
  FB_TRY(call.put(call.address(1), TimeSpec{now.raw() / kSecond, now.raw() % kSecond}));
  return 0;
}

Done do_time(Call& call) {
  const auto seconds = call.process.system.clock.now().raw() / kSecond;
  if (call.word(0) != 0) FB_TRY(call.put(call.address(0), seconds));
  return seconds;
}

Done do_gettimeofday(Call& call) {
  const auto now = call.process.system.clock.now().raw();
  if (call.word(0) != 0) {
    FB_TRY(call.put(call.address(0), TimeSpec{now / kSecond, now % kSecond / kMicrosecond}));
  }
  if (call.word(1) != 0) FB_TRY(call.put(call.address(1), std::uint64_t{0}));
  return 0;
}

}  // namespace fb::libos::posix::call

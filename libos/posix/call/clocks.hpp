// The clocks that programs name (clock_gettime(2)).
#pragma once

#include "libos/posix/call/call.hpp"

namespace fb::libos::posix::call {

enum class ClockId : std::int32_t {
  Realtime = 0,
  Monotonic = 1,
  Process = 2,
  Thread = 3,
  MonotonicRaw = 4,
  RealtimeCoarse = 5,
  MonotonicCoarse = 6,
  BootTime = 7,
  RealtimeAlarm = 8,
  BootTimeAlarm = 9,
  Tai = 11,
};

/// Errors: Invalid for what is no clock.
Answer<core::Nanoseconds> clock_now(Call& call, std::int32_t clock);

}  // namespace fb::libos::posix::call

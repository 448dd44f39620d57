// The clock line from what ring 0 says about the time.
#pragma once

#include <span>

#include "libos/posix/vdso/clock_page.hpp"

namespace fb::libos::posix::vdso {

/// What ring 0 said, and the ticks around it.
struct ClockSample {
  std::uint64_t before, time, after;
};

/// Nanoseconds per tick as ring 0 has them, 32.32; 0 for a rate of 0.
std::uint64_t multiplier_of(std::uint64_t ticks_per_second);

/// A line that is never behind ring 0's, so that whoever slept until a time then sees that time; and ahead of it by what passed
/// between the ticks and the time of the best sample, and 3 ns, at most. The real time is as far behind ring 0's at most.
ClockLine calibrate(std::uint64_t ticks_per_second, std::span<const ClockSample> monotonic,
                    std::span<const ClockSample> realtime);

}  // namespace fb::libos::posix::vdso

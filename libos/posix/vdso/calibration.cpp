#include "libos/posix/vdso/calibration.hpp"

#include <algorithm>

namespace fb::libos::posix::vdso {
namespace {

/// The highest of what `bound` says of the samples; differences of times, which may be below 0.
template <class Bound>
std::uint64_t highest(std::span<const ClockSample> samples, Bound bound) {
  std::int64_t most = INT64_MIN;
  for (const auto& sample : samples) most = std::max(most, static_cast<std::int64_t>(bound(sample)));
  return samples.empty() ? 0 : static_cast<std::uint64_t>(most);
}

}  // namespace

std::uint64_t multiplier_of(std::uint64_t ticks_per_second) {
  if (ticks_per_second == 0) return 0;
  const auto whole = kSecond / ticks_per_second, rest = kSecond % ticks_per_second;
  return whole << 32 | (rest << 32) / ticks_per_second;
}

ClockLine calibrate(std::uint64_t ticks_per_second, std::span<const ClockSample> monotonic,
                    std::span<const ClockSample> realtime) {
  ClockLine line{.multiplier = multiplier_of(ticks_per_second)};
  // Ring 0 counts from a tick x on and said less than `time` + 1 after `before`: so x is worth more than this, and to take off
  // less than x is worth, rounded down, is to be ahead.
  const auto start =
      highest(monotonic, [&](const ClockSample& s) { return scale(s.before, line.multiplier) - s.time - 1; });
  line.monotonic = 0 - start;
  line.realtime =
      highest(realtime, [&](const ClockSample& s) { return s.time - scale(s.after, line.multiplier); });
  return line;
}

}  // namespace fb::libos::posix::vdso

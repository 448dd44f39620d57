// What programs say of time: as moments of the monotonic clock, without overflow.
#pragma once

#include "core/types.hpp"
#include "libos/posix/vfs/abi.hpp"
#include "libos/posix/vfs/wait.hpp"

namespace fb::libos::posix::poll {

inline constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

/// As long as it takes for what is longer (292 years, as Linux has it). Errors: Invalid when it is no time.
constexpr Answer<core::Nanoseconds> duration_of(const vfs::Timespec& time) {
  constexpr std::int64_t kSecondsMost = 0x7fff'ffff'ffff'ffff / 1'000'000'000;
  if (time.seconds < 0 || time.nanoseconds < 0) return fail(Errno::Invalid);
  if (static_cast<std::uint64_t>(time.nanoseconds) >= kNanosecondsPerSecond) return fail(Errno::Invalid);
  if (time.seconds >= kSecondsMost) return vfs::kForever;
  return core::Nanoseconds(static_cast<std::uint64_t>(time.seconds) * kNanosecondsPerSecond +
                           static_cast<std::uint64_t>(time.nanoseconds));
}

constexpr vfs::Timespec timespec_of(core::Nanoseconds time) {
  return {.seconds = static_cast<std::int64_t>(time.raw() / kNanosecondsPerSecond),
          .nanoseconds = static_cast<std::int64_t>(time.raw() % kNanosecondsPerSecond)};
}

/// `duration` after `now`.
constexpr core::Nanoseconds deadline_after(core::Nanoseconds now, core::Nanoseconds duration) {
  return duration < vfs::kForever - now ? now + duration : vfs::kForever;
}

/// What is left until `deadline`; none when it has passed.
constexpr core::Nanoseconds left_until(core::Nanoseconds deadline, core::Nanoseconds now) {
  return deadline > now ? deadline - now : core::Nanoseconds(0);
}

}  // namespace fb::libos::posix::poll

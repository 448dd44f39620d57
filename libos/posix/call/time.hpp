// Times as calls take and give them (C4.06, C4.07).
#pragma once

#include "libos/posix/call/call.hpp"

namespace fb::libos::posix::call {

inline constexpr std::uint64_t kSecond = 1'000'000'000, kMicrosecond = 1'000;

/// struct timespec and struct timeval.
struct TimeSpec {
  std::int64_t seconds = 0, nanoseconds = 0;
  static constexpr TimeSpec of(core::Nanoseconds time) {
    return {.seconds = static_cast<std::int64_t>(time.raw() / kSecond),
            .nanoseconds = static_cast<std::int64_t>(time.raw() % kSecond)};
  }
};
struct TimeVal {
  std::int64_t seconds = 0, microseconds = 0;
  static constexpr TimeVal of(core::Nanoseconds time) {
    return {.seconds = static_cast<std::int64_t>(time.raw() / kSecond),
            .microseconds = static_cast<std::int64_t>(time.raw() % kSecond / kMicrosecond)};
  }
};

/// What is too long for 64 bits is for ever. Errors: Invalid.
constexpr Answer<core::Nanoseconds> nanoseconds_of(std::int64_t seconds, std::int64_t part,
                                                   std::int64_t parts) {
  constexpr std::int64_t kLongest = std::int64_t{1} << 33;
  if (seconds < 0 || part < 0 || part >= parts) return fail(Errno::Invalid);
  if (seconds > kLongest) return vfs::kForever;
  return core::Nanoseconds(static_cast<std::uint64_t>(seconds) * kSecond +
                           static_cast<std::uint64_t>(part) * (kSecond / static_cast<std::uint64_t>(parts)));
}
constexpr Answer<core::Nanoseconds> nanoseconds_of(const TimeSpec& time) {
  return nanoseconds_of(time.seconds, time.nanoseconds, static_cast<std::int64_t>(kSecond));
}
constexpr Answer<core::Nanoseconds> nanoseconds_of(const TimeVal& time) {
  return nanoseconds_of(time.seconds, time.microseconds, static_cast<std::int64_t>(kSecond / kMicrosecond));
}

/// A timespec of the program's. Errors: Fault, Invalid, NoMemory.
inline Answer<core::Nanoseconds> time_at(const Call& call, core::VirtAddr at) {
  FB_ASSIGN(const auto time, call.get<TimeSpec>(at));
  return nanoseconds_of(time);
}

/// Never past the end of time.
constexpr core::Nanoseconds after(core::Nanoseconds now, core::Nanoseconds time) {
  return time > vfs::kForever - now ? vfs::kForever : now + time;
}

}  // namespace fb::libos::posix::call

// From ticks to times: the arithmetic, the calibration against a ring 0, and readers that meet a writer.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "libos/posix/vdso/calibration.hpp"

namespace fb::libos::posix::vdso {
namespace {

using Wide = unsigned __int128;

/// Ring 0's clock (kernel/object/kernel.hpp), with a start that nobody else knows.
struct RingZero {
  std::uint64_t start, multiplier;
  [[nodiscard]] std::uint64_t at(std::uint64_t ticks) const {
    return static_cast<std::uint64_t>(Wide{ticks - start} * multiplier >> 32);
  }
};

constexpr std::uint64_t kSlowest = 1'000'000, kFastest = 10'000'000'000;

RC_GTEST_PROP(Clocks, scale_as_128_bits_do_C4_06, (std::uint64_t ticks, std::uint64_t multiplier)) {
  RC_ASSERT(scale(ticks, multiplier) == static_cast<std::uint64_t>(Wide{ticks} * multiplier >> 32));
}

RC_GTEST_PROP(Clocks, split_times_into_seconds_and_nanoseconds_C4_06, (std::uint64_t time)) {
  const auto split = seconds_of(time);
  RC_ASSERT(split.seconds == time / kSecond);
  RC_ASSERT(split.nanoseconds == time % kSecond);
}

TEST(Clocks, have_the_multiplier_of_ring_0_C4_06) {
  for (const auto rate : {kSlowest, std::uint64_t{999'999'999}, kSecond, kSecond + 1, kFastest})
    EXPECT_EQ(multiplier_of(rate), static_cast<std::uint64_t>((Wide{kSecond} << 32) / rate)) << rate;
  EXPECT_EQ(multiplier_of(0), 0U);
}

TEST(Clocks, are_lines_for_those_that_linux_serves_without_a_call_C4_06) {
  std::vector<std::uint32_t> lines;
  for (std::uint32_t clock = 0; clock != 300; ++clock) {
    if (has_line(clock)) lines.push_back(clock);
  }
  EXPECT_EQ(lines, (std::vector<std::uint32_t>{0, 1, 4, 5, 6, 7, 11}));
  EXPECT_FALSE(has_line(~0U));
}

/// A rate, a start before `now`, and what ring 0 said around 16 times.
RC_GTEST_PROP(Clocks, are_never_behind_ring_0_and_hardly_ahead_C4_06, ()) {
  const auto rate = *rc::gen::inRange(kSlowest, kFastest);
  const RingZero kernel{.start = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 50),
                        .multiplier = multiplier_of(rate)};
  const auto today = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 61);
  std::vector<ClockSample> monotonic, realtime;
  auto ticks = kernel.start + *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 50);
  auto shortest = ~std::uint64_t{0};
  for (int i = 0; i != 32; ++i) {
    const auto before = ticks += *rc::gen::inRange<std::uint64_t>(1, 100'000);
    const auto read = ticks += *rc::gen::inRange<std::uint64_t>(1, 1'000);
    const auto after = ticks += *rc::gen::inRange<std::uint64_t>(1, 1'000);
    if (i % 2 == 0) {
      monotonic.push_back({.before = before, .time = kernel.at(read), .after = after});
      shortest = std::min(shortest, read - before);
    } else {
      realtime.push_back({.before = before, .time = kernel.at(read) + today, .after = after});
    }
  }
  ClockPage page;
  page.publish(calibrate(rate, monotonic, realtime));
  const auto slack = scale(shortest, kernel.multiplier) + 3;
  auto last = page.now(kMonotonic, [&] { return ticks; });
  for (int i = 0; i != 20; ++i) {
    ticks += *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 40);
    const auto now = page.now(kMonotonic, [&] { return ticks; });
    RC_ASSERT(now >= kernel.at(ticks));
    RC_ASSERT(now - kernel.at(ticks) <= slack);
    RC_ASSERT(now >= last);
    last = now;
    const auto real = page.now(kRealtime, [&] { return ticks; });
    RC_ASSERT(real <= kernel.at(ticks) + today + 1);
    RC_ASSERT(kernel.at(ticks) + today - std::min(real, kernel.at(ticks) + today) <=
              scale(1'000, kernel.multiplier) + 2);
  }
}

TEST(Clocks, of_the_same_line_say_the_same_C4_06) {
  ClockPage page;
  page.publish({.multiplier = std::uint64_t{1} << 32, .monotonic = 5, .realtime = 1'000});
  const auto at = [&](std::uint32_t clock) { return page.now(clock, [] { return std::uint64_t{100}; }); };
  for (const auto clock : {kMonotonic, kMonotonicRaw, kMonotonicCoarse, kBootTime})
    EXPECT_EQ(at(clock), 105U);
  for (const auto clock : {kRealtime, kRealtimeCoarse, kTai}) EXPECT_EQ(at(clock), 1'100U);
}

/// Each line says 3 * its number at tick 1; a mixture of two would say something else.
TEST(Clocks, that_change_are_read_whole_C4_06) {
  ClockPage page;
  const auto write = [&](std::uint64_t number) {
    page.publish({.multiplier = number << 32, .monotonic = 2 * number, .realtime = 0});
  };
  write(1);
  std::atomic<bool> over{false};
  std::thread writer([&] {
    for (std::uint64_t i = 1; i != 100'000; ++i) write(i);
    over = true;
  });
  std::uint64_t broken = 0, last = 0;
  while (!over) {
    const auto now = page.now(kMonotonic, [] { return std::uint64_t{1}; });
    broken += now % 3 != 0 || now < last ? 1 : 0;
    last = now;
  }
  writer.join();
  EXPECT_EQ(broken, 0U);
}

}  // namespace
}  // namespace fb::libos::posix::vdso

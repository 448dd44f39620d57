#include "libos/posix/base/frames.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/libos/posix/base/memory_source.hpp"

namespace fb::libos::posix::test {
namespace {

bool zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

TEST(Frames, come_zeroed_and_come_back_C4_10) {
  MemorySource source;
  Frames frames(source, 2);
  const auto first = frames.allocate();
  ASSERT_TRUE(first.has_value());
  EXPECT_NE(*first, FrameId(0));
  EXPECT_TRUE(zero(frames.bytes(*first)));
  std::ranges::fill(frames.bytes(*first), std::byte{7});
  const auto second = frames.copy(*first);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(frames.bytes(*second)[4095], std::byte{7});
  EXPECT_EQ(frames.allocate().error(), Errno::NoMemory);
  frames.share(*first);
  frames.release(*first);
  EXPECT_EQ(frames.used(), 2U);
  frames.release(*first);
  EXPECT_EQ(frames.used(), 1U);
  const auto again = frames.allocate();
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(zero(frames.bytes(*again)));
}

TEST(Frames, end_with_their_source) {
  MemorySource source(1);
  Frames frames(source, 100'000);
  for (std::uint32_t i = 0; i < FrameSource::kRunPages; ++i) ASSERT_TRUE(frames.allocate().has_value());
  EXPECT_EQ(frames.allocate().error(), Errno::NoMemory);
  EXPECT_EQ(frames.used(), FrameSource::kRunPages);
}

TEST(Frames, go_back_to_their_source_when_a_run_is_empty_C4_10) {
  MemorySource source;
  Frames frames(source, 100'000);
  constexpr std::size_t kRuns = 6;
  std::vector<FrameId> held;
  for (std::size_t i = 0; i < kRuns * FrameSource::kRunPages; ++i) held.push_back(frames.allocate().value());
  EXPECT_EQ(source.there(), kRuns);
  for (const auto frame : held) frames.release(frame);
  EXPECT_EQ(source.there(), Frames::kSpareRuns);
  EXPECT_EQ(frames.idle(), Frames::kSpareRuns * FrameSource::kRunPages);
  const auto again = frames.allocate();
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(zero(frames.bytes(*again)));
}

TEST(Frames, of_one_that_stays_keep_their_run_only) {
  MemorySource source;
  Frames frames(source, 100'000);
  std::vector<FrameId> held;
  for (std::size_t i = 0; i < 5 * FrameSource::kRunPages; ++i) held.push_back(frames.allocate().value());
  const FrameId stays = held[3 * FrameSource::kRunPages + 7];
  std::ranges::fill(frames.bytes(stays), std::byte{9});
  for (const auto frame : held) {
    if (frame != stays) frames.release(frame);
  }
  EXPECT_EQ(source.there(), Frames::kSpareRuns + 1);
  EXPECT_EQ(frames.bytes(stays)[4095], std::byte{9});
  EXPECT_EQ(frames.used(), 1U);
}

RC_GTEST_PROP(Frames, run_after_run_are_zero_when_they_come_and_lose_nothing, ()) {
  MemorySource source;
  Frames frames(source, 100'000);
  std::vector<FrameId> held;
  const auto steps = *rc::gen::inRange(0, 30);
  for (int i = 0; i < steps; ++i) {
    if (*rc::gen::inRange(0, 2) == 0) {
      for (auto left = *rc::gen::inRange(0, 1'000); left > 0; --left) {
        const auto made = left % 7 == 0 ? frames.allocate_raw() : frames.allocate();
        RC_ASSERT(made.has_value());
        if (left % 7 != 0) RC_ASSERT(zero(frames.bytes(*made)));
        frames.bytes(*made)[0] = static_cast<std::byte>(made->raw() % 251 + 1);
        held.push_back(*made);
      }
    } else {
      const bool last = *rc::gen::inRange(0, 2) == 0;
      for (auto left = *rc::gen::inRange(0, 1'000); left > 0 && !held.empty(); --left) {
        const std::size_t at = last ? held.size() - 1 : static_cast<std::size_t>(left) % held.size();
        std::swap(held[at], held.back());
        frames.release(held.back());
        held.pop_back();
      }
    }
    for (const auto frame : held)
      RC_ASSERT(frames.bytes(frame)[0] == static_cast<std::byte>(frame.raw() % 251 + 1));
    RC_ASSERT(frames.used() == held.size() &&
              frames.idle() + frames.used() == source.there() * FrameSource::kRunPages);
    RC_ASSERT(source.there() * FrameSource::kRunPages >= held.size());
  }
  for (const auto frame : held) frames.release(frame);
  RC_ASSERT(frames.used() == 0U && source.there() <= Frames::kSpareRuns);
}

RC_GTEST_PROP(Frames, never_hand_out_one_that_is_held, (const std::vector<std::uint8_t>& commands)) {
  MemorySource source(2);
  Frames frames(source, 600);
  std::map<std::uint32_t, std::uint32_t> held;  // counts
  for (const auto command : commands) {
    const auto some = held.empty()
                          ? held.end()
                          : std::next(held.begin(), static_cast<std::ptrdiff_t>(command / 4 % held.size()));
    if (command % 4 < 2 || some == held.end()) {
      const auto made = frames.allocate();
      RC_ASSERT(made.has_value() && !held.contains(made->raw()));
      RC_ASSERT(zero(frames.bytes(*made)));
      frames.bytes(*made)[command] = std::byte{1};
      held[made->raw()] = 1;
    } else if (command % 4 == 2) {
      frames.share(FrameId(some->first));
      ++some->second;
    } else {
      frames.release(FrameId(some->first));
      if (--some->second == 0) held.erase(some);
    }
    for (const auto& [frame, count] : held) RC_ASSERT(frames.count(FrameId(frame)) == count);
    RC_ASSERT(frames.used() == held.size());
  }
}

}  // namespace
}  // namespace fb::libos::posix::test

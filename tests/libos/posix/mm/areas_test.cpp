#include "libos/posix/mm/areas.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>

namespace fb::libos::posix::mm {
namespace {

constexpr std::uint64_t kPage = core::kPageSize;
Area area(std::uint64_t first, std::uint64_t end, std::uint32_t protection = kProtRead) {
  return {.range = {first * kPage, end * kPage}, .protection = protection};
}
Range range(std::uint64_t first, std::uint64_t end) { return {first * kPage, end * kPage}; }

TEST(Areas, join_with_neighbours_that_are_alike_C4_01) {
  Areas areas;
  ASSERT_TRUE(areas.insert(area(10, 12)));
  ASSERT_TRUE(areas.insert(area(14, 16)));
  EXPECT_EQ(areas.view().size(), 2U);
  ASSERT_TRUE(areas.insert(area(12, 14)));
  ASSERT_EQ(areas.view().size(), 1U);
  EXPECT_EQ(areas.view()[0].range, range(10, 16));
  ASSERT_TRUE(areas.insert(area(16, 17, kProtNone)));
  EXPECT_EQ(areas.view().size(), 2U);
  EXPECT_EQ(areas.bytes(), 7 * kPage);
}

TEST(Areas, give_the_highest_gap_and_keep_room_for_a_stack) {
  Areas areas;
  ASSERT_TRUE(areas.insert(area(1000, 1100)));
  EXPECT_EQ(areas.gap(10 * kPage, range(16, 1050)), 990 * kPage);
  EXPECT_EQ(areas.gap(10 * kPage, range(16, 2000)), 1990 * kPage);
  EXPECT_EQ(areas.gap(990 * kPage, range(16, 1050)).error(), Errno::NoMemory);
  EXPECT_EQ(areas.gap(984 * kPage, range(16, 1050)), 16 * kPage);
  Area stack = area(1500, 1501);
  stack.grows_down = true;
  ASSERT_TRUE(areas.insert(std::move(stack)));
  EXPECT_EQ(areas.gap(10 * kPage, range(16, 1501)), (1500 - 256 - 10) * kPage);
  EXPECT_FALSE(areas.leaves_room(range(1240, 1245)));
  EXPECT_TRUE(areas.leaves_room(range(1240, 1244)));
}

TEST(Areas, are_at_most_65530) {
  Areas areas;
  for (std::uint64_t i = 0; i + 1 < Areas::kMost; ++i)
    ASSERT_TRUE(areas.insert(area(16 + 4 * i, 19 + 4 * i)));
  ASSERT_TRUE(areas.insert(area(1, 4)));
  EXPECT_EQ(areas.insert(area(8, 9)).error(), Errno::NoMemory);
  EXPECT_EQ(areas.remove(range(17, 18)).error(), Errno::NoMemory);
  EXPECT_EQ(areas.protect(range(17, 18), kProtNone).error(), Errno::NoMemory);
  EXPECT_TRUE(areas.remove(range(18, 19)));
  EXPECT_TRUE(areas.remove(range(16, 18)));
  EXPECT_EQ(areas.view().size(), Areas::kMost - 1);
  EXPECT_TRUE(areas.remove(range(21, 22)));
}

TEST(Areas, say_how_far_a_protection_gets) {
  Areas areas;
  ASSERT_TRUE(areas.insert(area(10, 12)));
  Area sealed = area(12, 14);
  sealed.most = kProtRead;
  ASSERT_TRUE(areas.insert(std::move(sealed)));
  const auto reach = areas.protectable(range(10, 14), kProtWrite);
  EXPECT_EQ(reach.end, 12 * kPage);
  EXPECT_EQ(reach.why.error(), Errno::Access);
  const auto past = areas.protectable(range(13, 15), kProtRead);
  EXPECT_EQ(past.end, 14 * kPage);
  EXPECT_EQ(past.why.error(), Errno::NoMemory);
  EXPECT_TRUE(areas.protectable(range(11, 13), kProtRead).why);
}

/// Against an array of pages: 0 is none, else 1 + protection.
RC_GTEST_PROP(Areas, are_what_was_inserted_removed_and_protected, ()) {
  constexpr std::size_t kPages = 24;
  Areas areas;
  std::array<std::uint32_t, kPages> model{};
  const auto count = *rc::gen::inRange(0, 60);
  for (int step = 0; step < count; ++step) {
    const auto first = *rc::gen::inRange<std::size_t>(0, kPages);
    const auto end = *rc::gen::inRange<std::size_t>(first + 1, kPages + 1);
    const auto protection = *rc::gen::inRange<std::uint32_t>(0, 3);
    const auto what = *rc::gen::inRange(0, 3);
    const bool all = std::all_of(model.begin() + first, model.begin() + end, [](auto m) { return m != 0; });
    if (what < 2) RC_ASSERT(areas.remove(range(first, end)).has_value());
    if (what == 0) std::fill(model.begin() + first, model.begin() + end, 0U);
    if (what == 1) RC_ASSERT(areas.insert(area(first, end, protection)).has_value());
    if (what == 2 && all) RC_ASSERT(areas.protect(range(first, end), protection).has_value());
    if (what == 1 || (what == 2 && all))
      std::fill(model.begin() + first, model.begin() + end, 1 + protection);
    std::size_t changes = 0, held = 0;
    for (std::size_t i = 0; i < kPages; ++i) {
      const Area* found = areas.find(i * kPage + 5);
      RC_ASSERT((found == nullptr ? 0U : 1 + found->protection) == model[i]);
      if (model[i] != 0 && (i == 0 || model[i - 1] != model[i])) ++changes;
      if (model[i] != 0) ++held;
    }
    RC_ASSERT(areas.view().size() == changes);
    RC_ASSERT(areas.bytes() == held * kPage && areas.covered(range(0, kPages)) == held * kPage);
  }
}

}  // namespace
}  // namespace fb::libos::posix::mm

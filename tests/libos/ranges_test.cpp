#include "libos/rt/ranges.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <vector>

namespace fb::libos::rt {
namespace {

using core::Error;
using core::PageCount;
using core::VirtAddr;

constexpr PageRange all(std::uint64_t pages) { return {VirtAddr(0x10000), PageCount(pages)}; }

TEST(RangeAllocator, takes_the_lowest_run_that_fits) {
  RangeAllocator<8> ranges(all(10));
  EXPECT_EQ(ranges.take(PageCount(2))->start, VirtAddr(0x10000));
  EXPECT_EQ(ranges.take(PageCount(3))->start, VirtAddr(0x12000));
  EXPECT_EQ(ranges.free_pages(), PageCount(5));
}

TEST(RangeAllocator, aligned_run_leaves_the_skipped_pages_free) {
  RangeAllocator<8> ranges(PageRange{VirtAddr(0x11000), PageCount(100)});
  EXPECT_EQ(ranges.take(PageCount(4), PageCount(16))->start, VirtAddr(0x20000));
  EXPECT_EQ(ranges.take(PageCount(15))->start, VirtAddr(0x11000));
}

TEST(RangeAllocator, refuses_none_too_many_and_odd_alignments) {
  RangeAllocator<8> ranges(all(10));
  EXPECT_EQ(ranges.take(PageCount(0)).error(), Error::BadArgument);
  EXPECT_EQ(ranges.take(PageCount(1), PageCount(3)).error(), Error::BadArgument);
  EXPECT_EQ(ranges.take(PageCount(1), PageCount(0)).error(), Error::BadArgument);
  EXPECT_EQ(ranges.take(PageCount(11)).error(), Error::NoMemory);
  EXPECT_EQ(ranges.take(PageCount(~std::uint64_t{0})).error(), Error::NoMemory);
}

TEST(RangeAllocator, giving_back_merges_with_both_neighbours) {
  RangeAllocator<8> ranges(all(9));
  const auto a = *ranges.take(PageCount(3));
  const auto b = *ranges.take(PageCount(3));
  const auto c = *ranges.take(PageCount(3));
  ASSERT_TRUE(ranges.give(a));
  ASSERT_TRUE(ranges.give(c));
  EXPECT_EQ(ranges.holes(), 2u);
  ASSERT_TRUE(ranges.give(b));
  EXPECT_EQ(ranges.holes(), 1u);
  EXPECT_EQ(ranges.take(PageCount(9))->start, a.start);
}

TEST(RangeAllocator, refuses_what_is_free_already) {
  RangeAllocator<8> ranges(all(9));
  const auto a = *ranges.take(PageCount(3));
  ASSERT_TRUE(ranges.give(a));
  EXPECT_EQ(ranges.give(a).error(), Error::BadArgument);
  EXPECT_EQ(ranges.give({a.start, PageCount(0)}).error(), Error::BadArgument);
}

TEST(RangeAllocator, full_table_refuses_and_loses_nothing_else) {
  RangeAllocator<2> ranges(all(100));
  std::vector<PageRange> taken;
  for (int i = 0; i != 6; ++i) taken.push_back(*ranges.take(PageCount(2)));
  ASSERT_TRUE(ranges.give(taken[0]));
  EXPECT_EQ(ranges.give(taken[2]).error(), Error::Limit);
  EXPECT_EQ(ranges.free_pages(), PageCount(90));
}

RC_GTEST_PROP(RangeAllocator, agrees_with_a_set_of_pages, ()) {
  RangeAllocator<64> ranges(all(64));
  std::set<std::uint64_t> model;
  for (std::uint64_t page = 0; page != 64; ++page) model.insert(page);
  std::vector<PageRange> taken;
  for (int step = *rc::gen::inRange(1, 120); step != 0; --step) {
    if (!taken.empty() && *rc::gen::arbitrary<bool>()) {
      const auto at = *rc::gen::inRange<std::size_t>(0, taken.size());
      RC_ASSERT(ranges.give(taken[at]).has_value());
      const std::uint64_t first = (taken[at].start.raw() - 0x10000) / 4096;
      for (std::uint64_t i = 0; i != taken[at].count.raw(); ++i) model.insert(first + i);
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      const auto count = *rc::gen::inRange<std::uint64_t>(1, 12);
      const auto alignment = std::uint64_t{1} << *rc::gen::inRange(0, 4);
      std::uint64_t expected = 64;
      for (std::uint64_t page = 0; page + count <= 64 && expected == 64; page += 1) {
        if ((page + 16) % alignment != 0) continue;
        std::uint64_t i = 0;
        while (i != count && model.contains(page + i)) ++i;
        if (i == count) expected = page;
      }
      const auto result = ranges.take(PageCount(count), PageCount(alignment));
      RC_ASSERT(result.has_value() == (expected != 64));
      if (!result) continue;
      RC_ASSERT(result->start.raw() == 0x10000 + expected * 4096);
      for (std::uint64_t i = 0; i != count; ++i) model.erase(expected + i);
      taken.push_back(*result);
    }
    RC_ASSERT(ranges.free_pages().raw() == model.size());
  }
}

}  // namespace
}  // namespace fb::libos::rt

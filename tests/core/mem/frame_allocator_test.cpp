// FrameAllocator, case by case: merging, hostile arguments, and threads.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <latch>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "tests/core/mem/frame_memory.hpp"

namespace fb::core::mem::test {
namespace {

TEST(FrameAllocator, allocates_nothing_before_memory_is_added) {
  Memory memory(64);
  EXPECT_EQ(memory.allocator.allocate(pages(1)), Result<FrameNumber>(fail(Error::NoMemory)));
  EXPECT_EQ(memory.allocator.largest_free_run(), pages(0));
  EXPECT_EQ(memory.allocator.free(frame(3), pages(1)), Result<>(fail(Error::BadRange)));
}

TEST(FrameAllocator, free_run_merges_buddies_C1_02) {
  Memory memory(64);
  ASSERT_TRUE(memory.allocator.add_range(frame(0), pages(64)).has_value());
  std::vector<FrameNumber> singles;
  for (int i = 0; i < 64; ++i) {
    const auto single = memory.allocator.allocate(pages(1));
    ASSERT_TRUE(single.has_value());
    singles.push_back(*single);
  }
  EXPECT_EQ(memory.allocator.allocate(pages(1)), Result<FrameNumber>(fail(Error::NoMemory)));
  std::set<FrameNumber> distinct(singles.begin(), singles.end());
  EXPECT_EQ(distinct.size(), 64U);
  for (const FrameNumber single : singles) ASSERT_TRUE(memory.allocator.free(single, pages(1)).has_value());
  EXPECT_EQ(memory.allocator.largest_free_run(), pages(64));
  EXPECT_EQ(memory.allocator.allocate(pages(64)), Result<FrameNumber>(frame(0)));
}

TEST(FrameAllocator, gives_back_the_tail_of_an_odd_run) {
  Memory memory(16);
  ASSERT_TRUE(memory.allocator.add_range(frame(0), pages(16)).has_value());
  EXPECT_EQ(memory.allocator.allocate(pages(9)), Result<FrameNumber>(frame(0)));
  EXPECT_EQ(memory.allocator.free_pages(), pages(7));
  EXPECT_EQ(memory.allocator.largest_free_run(), pages(4));
  EXPECT_EQ(memory.allocator.allocate(pages(3)), Result<FrameNumber>(frame(12)));
}

TEST(FrameAllocator, frees_a_part_of_a_run_and_neighbouring_runs_together) {
  Memory memory(16);
  ASSERT_TRUE(memory.allocator.add_range(frame(0), pages(16)).has_value());
  ASSERT_EQ(memory.allocator.allocate(pages(16)), Result<FrameNumber>(frame(0)));
  EXPECT_TRUE(memory.allocator.free(frame(5), pages(3)).has_value());
  EXPECT_EQ(memory.allocator.free_pages(), pages(3));
  EXPECT_TRUE(memory.allocator.free(frame(0), pages(5)).has_value());
  EXPECT_TRUE(memory.allocator.free(frame(8), pages(8)).has_value());
  EXPECT_EQ(memory.allocator.largest_free_run(), pages(16));
}

TEST(FrameAllocator, refuses_double_and_foreign_frees_and_changes_nothing_C2_02) {
  Memory memory(32);
  ASSERT_TRUE(memory.allocator.add_range(frame(4), pages(20)).has_value());
  const auto run = memory.allocator.allocate(pages(4));
  ASSERT_TRUE(run.has_value());
  const auto refuse = [&](std::uint64_t first, std::uint64_t count) {
    EXPECT_EQ(memory.allocator.free(frame(first), pages(count)), Result<>(fail(Error::BadRange))) << first;
    EXPECT_EQ(memory.allocator.free_pages(), pages(16));
  };
  refuse(run->raw(), 5);
  refuse(run->raw() - 1, 2);
  refuse(0, 1);
  refuse(0, 32);
  refuse(31, 1);
  refuse(32, 1);
  refuse(kHuge, 1);
  refuse(1, kHuge);
  refuse(run->raw(), kHuge);
  EXPECT_EQ(memory.allocator.free(*run, pages(0)), Result<>(fail(Error::BadArgument)));
  EXPECT_TRUE(memory.allocator.free(*run, pages(4)).has_value());
  EXPECT_EQ(memory.allocator.free(*run, pages(4)), Result<>(fail(Error::BadRange)));
  EXPECT_EQ(memory.allocator.free(*run + frame(2), pages(1)), Result<>(fail(Error::BadRange)));
  EXPECT_EQ(memory.allocator.free_pages(), pages(20));
}

TEST(FrameAllocator, refuses_ranges_that_overlap_or_leave_the_array) {
  Memory memory(32);
  ASSERT_TRUE(memory.allocator.add_range(frame(8), pages(8)).has_value());
  using Range = std::pair<std::uint64_t, std::uint64_t>;
  for (const auto& [first, count] :
       {Range{15, 2}, {0, 9}, {10, 1}, {32, 1}, {31, 2}, {2, kHuge}, {kHuge, 2}}) {
    EXPECT_TRUE(failed(memory.allocator.add_range(frame(first), pages(count)), Error::BadRange)) << first;
  }
  EXPECT_EQ(memory.allocator.total_pages(), pages(8));
  EXPECT_TRUE(memory.allocator.add_range(frame(0), pages(8)).has_value());
  EXPECT_EQ(memory.allocator.largest_free_run(), pages(16));
}

TEST(FrameAllocator, serves_up_to_one_gibibyte_and_no_more) {
  constexpr std::uint64_t kLargest = Allocator::kLargestRun.raw();
  Memory memory(3 * kLargest);
  ASSERT_TRUE(memory.allocator.add_range(frame(100), pages(3 * kLargest - 100)).has_value());
  EXPECT_EQ(memory.allocator.allocate(pages(kLargest + 1)), Result<FrameNumber>(fail(Error::Limit)));
  EXPECT_EQ(memory.allocator.allocate(pages(kHuge)), Result<FrameNumber>(fail(Error::Limit)));
  EXPECT_EQ(memory.allocator.largest_free_run(), pages(kLargest));
  const auto whole = memory.allocator.allocate(pages(kLargest));
  const auto odd = memory.allocator.allocate(pages(kLargest - 1));
  ASSERT_TRUE(whole.has_value() && odd.has_value());
  EXPECT_EQ(whole->raw() % kLargest, 0U);
  EXPECT_EQ(odd->raw() % kLargest, 0U);
  EXPECT_EQ(memory.allocator.allocate(pages(kLargest)), Result<FrameNumber>(fail(Error::NoMemory)));
  EXPECT_TRUE(memory.allocator.free(*odd, pages(kLargest - 1)).has_value());
  EXPECT_TRUE(memory.allocator.free(*whole, pages(kLargest)).has_value());
  EXPECT_EQ(memory.allocator.free_pages(), pages(3 * kLargest - 100));
  EXPECT_EQ(memory.allocator.free(*whole, pages(2 * kLargest)), Result<>(fail(Error::BadRange)));
}

TEST(FrameAllocator, empty_array_is_an_empty_memory) {
  SpinLock lock;
  Allocator allocator({}, lock);
  EXPECT_EQ(allocator.add_range(frame(0), pages(1)), Result<>(fail(Error::BadRange)));
  EXPECT_EQ(allocator.allocate(pages(1)), Result<FrameNumber>(fail(Error::NoMemory)));
  EXPECT_EQ(allocator.free(frame(0), pages(1)), Result<>(fail(Error::BadRange)));
}

using Owners = std::vector<std::atomic<unsigned>>;

/// Every frame of the run passes from one owner (0: nobody) to another.
void pass_on(Owners& owners, FrameNumber first, PageCount count, unsigned from, unsigned to) {
  for (std::uint64_t i = 0; i < count.raw(); ++i) ASSERT_EQ(owners[first.raw() + i].exchange(to), from);
}

/// Each thread writes the descriptors that it owns while others allocate and free around them.
void churn(Memory& memory, Owners& owners, std::latch& start, unsigned self) {
  start.arrive_and_wait();
  std::vector<std::pair<FrameNumber, PageCount>> held;
  std::uint32_t random = self * 2654435761U + 1;
  for (int step = 0; step < 10000; ++step) {
    random = random * 1664525U + 1013904223U;
    const PageCount count((random >> 16) % 13 + 1);
    if (held.size() < 12 && (random >> 8) % 2 == 0) {
      if (const auto run = memory.allocator.allocate(count)) {
        pass_on(owners, *run, count, 0, self);
        scribble(memory, run->raw(), count.raw(), self);
        held.emplace_back(*run, count);
      }
    } else if (!held.empty()) {
      std::swap(held[(random >> 20) % held.size()], held.back());
      const auto [first, length] = held.back();
      held.pop_back();
      pass_on(owners, first, length, self, 0);
      ASSERT_TRUE(memory.allocator.free(first, length).has_value());
    }
  }
  for (const auto& [first, length] : held) {
    pass_on(owners, first, length, self, 0);
    ASSERT_TRUE(memory.allocator.free(first, length).has_value());
  }
}

TEST(FrameAllocator, threads_never_share_a_frame_and_lose_none) {
  Memory memory(256);
  ASSERT_TRUE(memory.allocator.add_range(frame(3), pages(250)).has_value());
  Owners owners(256);
  std::latch start(4);
  std::vector<std::thread> threads;
  for (unsigned self = 1; self <= 4; ++self) {
    threads.emplace_back([&, self] { churn(memory, owners, start, self); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(memory.allocator.free_pages(), pages(250));
  EXPECT_EQ(memory.allocator.largest_free_run(), pages(64));
}

}  // namespace
}  // namespace fb::core::mem::test

#include "libos/root/policy.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace fb::libos::root {
namespace {

using core::Error;
using core::Nanoseconds;

TEST(SlotBook, root_keeps_its_own_slots) {
  SlotBook book(2);
  const auto all = book.take(1, 62);
  ASSERT_TRUE(all);
  EXPECT_EQ((*all)[0], ~std::uint64_t{3});
  EXPECT_EQ((*all)[1], 0u);
  EXPECT_EQ(book.take(1, 1).error(), Error::NoSlices);
}

TEST(SlotBook, takes_on_every_cpu_or_on_none) {
  SlotBook book(4);
  ASSERT_TRUE(book.take(0x2, 60));
  EXPECT_EQ(book.take(0xf, 8).error(), Error::NoSlices);
  EXPECT_EQ(std::popcount(book.free()[0]), 62);
  ASSERT_TRUE(book.take(0xd, 8));
}

TEST(SlotBook, missing_cpus_do_not_count_but_one_must_be_there) {
  SlotBook book(1);
  const auto taken = book.take(~std::uint64_t{0}, 4);
  ASSERT_TRUE(taken);
  EXPECT_EQ((*taken)[0], std::uint64_t{0xf} << SlotBook::kOwn);
  EXPECT_EQ(book.take(0x2, 1).error(), Error::NoSlices);
}

RC_GTEST_PROP(SlotBook, lent_slots_never_overlap_and_all_come_back_CAP_6, ()) {
  const auto cpus = *rc::gen::inRange<std::uint64_t>(1, 17);
  SlotBook book(cpus);
  const SlotSets before = book.free();
  std::vector<SlotSets> lent;
  for (int step = *rc::gen::inRange(1, 60); step != 0; --step) {
    if (!lent.empty() && *rc::gen::arbitrary<bool>()) {
      book.give(lent.back());
      lent.pop_back();
    } else {
      const auto taken = book.take(*rc::gen::inRange<std::uint64_t>(1, 65536), *rc::gen::inRange(1u, 30u));
      if (taken) lent.push_back(*taken);
    }
    SlotSets sum = book.free();
    for (const SlotSets& one : lent) {
      for (std::size_t cpu = 0; cpu != sum.size(); ++cpu) {
        RC_ASSERT((sum[cpu] & one[cpu]) == 0);
        sum[cpu] |= one[cpu];
      }
    }
    RC_ASSERT(sum == before);
  }
}

TEST(RestartPolicy, counts_and_backs_off) {
  RestartPolicy policy(3);
  EXPECT_TRUE(policy.again());
  EXPECT_EQ(policy.next(Nanoseconds(0)), Nanoseconds(100'000'000));
  EXPECT_EQ(policy.next(Nanoseconds(0)), Nanoseconds(200'000'000));
  EXPECT_EQ(policy.next(Nanoseconds(0)), Nanoseconds(400'000'000));
  EXPECT_FALSE(policy.again());
  EXPECT_EQ(policy.restarts(), 3u);
}

TEST(RestartPolicy, never_and_always) {
  EXPECT_FALSE(RestartPolicy(0).again());
  RestartPolicy policy(kAlways);
  Nanoseconds last;
  for (int i = 0; i != 100; ++i) last = policy.next(Nanoseconds(0));
  EXPECT_TRUE(policy.again());
  EXPECT_EQ(last, RestartPolicy::kLongest);
}

TEST(RestartPolicy, a_long_run_wipes_the_slate_clean) {
  RestartPolicy policy(kAlways);
  for (int i = 0; i != 10; ++i) static_cast<void>(policy.next(Nanoseconds(0)));
  EXPECT_EQ(policy.next(RestartPolicy::kHealthy), RestartPolicy::kFirst);
}

}  // namespace
}  // namespace fb::libos::root

// What the bench says of fairness.
#include "bench/kernel/fairness.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fb::bench {
namespace {

TEST(Fairness, one_after_the_other_is_wholly_fair) {
  std::vector<std::uint8_t> order;
  for (int i = 0; i != 300; ++i) order.push_back(static_cast<std::uint8_t>(i % 3));
  const auto found = fairness(order, 3);
  EXPECT_EQ(found.median, 1000U);
  EXPECT_EQ(found.worst, 1000U);
  EXPECT_EQ(found.longest, 2U);
}

TEST(Fairness, one_who_has_it_alone_leaves_an_nth) {
  const std::vector<std::uint8_t> order(64, 0);
  EXPECT_EQ(fairness(order, 4).median, 250U);
  EXPECT_EQ(fairness(order, 4).longest, 0U);
}

TEST(Fairness, long_turns_are_unfair_even_when_all_have_the_same_in_the_end) {
  std::vector<std::uint8_t> order(100, 0);
  order.insert(order.end(), 100, 1);
  order.push_back(0);
  const auto found = fairness(order, 2);
  EXPECT_EQ(found.median, 500U);
  EXPECT_EQ(found.longest, 100U);
}

}  // namespace
}  // namespace fb::bench

// PageTables by ranges: finding and taking away what is mapped.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/core/mem/page_tables_fixture.hpp"

namespace fb::core::mem::test {
namespace {

TEST_F(PageTablesTest, next_finds_each_page_in_order_and_passes_over_gaps) {
  const std::vector<std::uint64_t> pages{0,         kPageSize,           k2M, k1G, k1G + kPageSize,
                                         3 * k512G, kUserEnd - kPageSize};
  for (const std::uint64_t page : pages) ASSERT_TRUE(map(page, page + 0x1000).has_value());
  for (const std::uint32_t steps : {1U, 7U, 5000U}) {
    std::vector<std::uint64_t> seen;
    VirtAddr position{0};
    while (position.raw() < kUserEnd) {
      const auto leaf = tables_.next(position, Steps(steps));
      if (!leaf) continue;
      EXPECT_EQ(tables_.find(position)->leaf, *leaf);
      seen.push_back(position.raw());
      position = VirtAddr(position.raw() + kPageSize);
    }
    EXPECT_EQ(seen, pages);
  }
  VirtAddr beyond{~std::uint64_t{0}};
  EXPECT_FALSE(tables_.next(beyond, Steps(1)).has_value());
}

TEST_F(PageTablesTest, an_address_space_is_taken_apart_down_to_its_root_whatever_the_step) {
  for (const std::uint32_t steps : {1U, 7U, 1000U}) {
    for (std::uint64_t i = 0; i < 40; ++i) {
      const std::uint64_t page = (i * 0x0012'3456'7891 << 12) % kUserEnd & ~kPageMask;
      ASSERT_TRUE(map(page, i << 12).has_value());
    }
    std::uint64_t leaves = 0;
    for (VirtAddr position{0}; position.raw() < kUserEnd;) {
      if (!tables_.next(position, Steps(steps))) continue;
      ASSERT_TRUE(unmap(position.raw()).has_value());
      ++leaves;
    }
    EXPECT_EQ(leaves, 40U);
    drain();
    EXPECT_EQ(machine_.tables(), 1U);
  }
}

}  // namespace
}  // namespace fb::core::mem::test

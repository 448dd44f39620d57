// PageTables page by page; every step is watched by the HistoryMachine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/core/mem/page_tables_fixture.hpp"

namespace fb::core::mem::test {
namespace {

TEST_F(PageTablesTest, map_then_find_says_what_was_mapped_C2_13) {
  const auto leaf = map(0x1234'5678'9000, 0xabc000, Permissions::read_execute());
  ASSERT_TRUE(leaf.has_value());
  const auto found = tables_.find(VirtAddr(0x1234'5678'9000));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->frame, PhysAddr(0xabc000));
  EXPECT_EQ(found->permissions, Permissions::read_execute());
  EXPECT_EQ(found->type, MemoryType::WriteBack);
  EXPECT_EQ(found->access, AccessBits{});
  EXPECT_EQ(found->leaf, *leaf);
  EXPECT_EQ(machine_.peek(*leaf).address(), PhysAddr(0xabc000));
  EXPECT_EQ(error_of(tables_.find(VirtAddr(0x1234'5678'a000))), Error::NotMapped);
  EXPECT_EQ(machine_.tables(), 4U);
}

TEST_F(PageTablesTest, refuses_addresses_that_are_not_pages_of_the_user_half) {
  constexpr std::uint64_t kOne = 1;
  for (const std::uint64_t address :
       {kOne, kUserEnd, kUserEnd + kPageSize, kOne << 47, ~kOne << 62, ~kPageMask, ~kOne + 1}) {
    EXPECT_EQ(error_of(map(address, 0x1000)), Error::BadAddress);
    EXPECT_EQ(error_of(unmap(address)), Error::BadAddress);
    EXPECT_EQ(error_of(tables_.find(VirtAddr(address))), Error::BadAddress);
    EXPECT_EQ(error_of(tables_.query_clear(VirtAddr(address))), Error::BadAddress);
    EXPECT_EQ(error_of(tables_.protect(VirtAddr(address), Permissions::read_only())), Error::BadAddress);
  }
  EXPECT_EQ(error_of(map(0x1000, 0x1001)), Error::BadAddress);
  EXPECT_EQ(error_of(map(0x1000, std::uint64_t{1} << 52)), Error::BadAddress);
  EXPECT_EQ(error_of(map(0x1000, std::uint64_t{1} << 63)), Error::BadAddress);
  EXPECT_TRUE(map(kUserEnd - kPageSize, 0x1000).has_value());
  EXPECT_EQ(error_of(map(kUserEnd, 0x1000)), Error::BadAddress);  // in the cursor's region
  EXPECT_TRUE(map(0, 0x1000).has_value());
}

TEST_F(PageTablesTest, refuses_to_map_over_a_page) {
  ASSERT_TRUE(map(0x1000, 0x5000).has_value());
  EXPECT_EQ(error_of(map(0x1000, 0x6000)), Error::Mapped);
  EXPECT_EQ(tables_.find(VirtAddr(0x1000))->frame, PhysAddr(0x5000));
}

TEST_F(PageTablesTest, failed_map_leaves_no_table_behind) {
  for (std::uint64_t allowed = 0; allowed < 3; ++allowed) {
    machine_.set_budget(allowed);
    EXPECT_EQ(error_of(map(k512G, 0x5000)), Error::NoMemory);
    EXPECT_EQ(machine_.tables(), 1U);
  }
  machine_.set_budget(3);
  EXPECT_TRUE(map(k512G, 0x5000).has_value());
  machine_.set_budget(1);
  EXPECT_EQ(error_of(map(k512G + k1G, 0x5000)), Error::NoMemory);
  EXPECT_EQ(machine_.tables(), 4U);
  EXPECT_TRUE(map(k512G + k2M, 0x5000).has_value());
}

TEST_F(PageTablesTest, unmap_detaches_what_it_empties_and_drain_frees_it_C2_14) {
  ASSERT_TRUE(map(0, 0x5000).has_value());
  ASSERT_TRUE(map(k2M, 0x6000).has_value());
  ASSERT_TRUE(map(k1G, 0x7000).has_value());
  EXPECT_EQ(machine_.tables(), 1U + 1 + 2 + 3);
  EXPECT_EQ(unmap(k2M)->frame, PhysAddr(0x6000));
  EXPECT_FALSE(detached_.empty());
  EXPECT_EQ(machine_.tables(), 7U);
  drain();
  EXPECT_TRUE(detached_.empty());
  EXPECT_EQ(machine_.tables(), 6U);
  EXPECT_EQ(unmap(0)->frame, PhysAddr(0x5000));
  EXPECT_EQ(unmap(k1G)->frame, PhysAddr(0x7000));
  drain();
  EXPECT_EQ(machine_.tables(), 1U);
  EXPECT_EQ(error_of(unmap(0)), Error::NotMapped);
}

TEST_F(PageTablesTest, page_can_be_mapped_again_before_the_shootdown) {
  ASSERT_TRUE(map(k1G, 0x5000).has_value());
  const auto old = unmap(k1G);
  const auto leaf = map(k1G, 0x6000);
  ASSERT_TRUE(old.has_value() && leaf.has_value());
  EXPECT_NE(leaf->table, old->leaf.table);
  EXPECT_EQ(machine_.tables(), 7U);
  drain();
  EXPECT_EQ(machine_.tables(), 4U);
  EXPECT_EQ(tables_.find(VirtAddr(k1G))->frame, PhysAddr(0x6000));
}

TEST_F(PageTablesTest, drain_one_frees_one_table_at_a_time) {
  ASSERT_TRUE(map(k1G, 0x5000).has_value());
  ASSERT_TRUE(unmap(k1G).has_value());
  machine_.shoot_down();
  for (std::size_t left = 3; left > 0; --left) {
    EXPECT_TRUE(detached_.drain_one());
    EXPECT_EQ(machine_.tables(), left);
  }
  EXPECT_FALSE(detached_.drain_one());
}

TEST_F(PageTablesTest, protect_needs_a_flush_only_to_take_away) {
  ASSERT_TRUE(map(0x1000, 0x5000, Permissions::read_only()).has_value());
  const auto protect = [&](Permissions permissions) {
    model_[0x1000].write = permissions.writable();
    model_[0x1000].execute = permissions.executable();
    machine_.expect(model_);
    const auto flush = tables_.protect(VirtAddr(0x1000), permissions);
    machine_.settle();
    return flush;
  };
  EXPECT_EQ(protect(Permissions::read_only()), Result<bool>(false));
  EXPECT_EQ(protect(Permissions::read_write()), Result<bool>(false));
  EXPECT_EQ(protect(Permissions::read_execute()), Result<bool>(true));
  EXPECT_EQ(protect(Permissions::read_only()), Result<bool>(true));
  EXPECT_EQ(protect(Permissions::read_execute()), Result<bool>(false));
  EXPECT_EQ(protect(Permissions::read_write()), Result<bool>(true));
  EXPECT_EQ(error_of(tables_.protect(VirtAddr(0x2000), Permissions::read_only())), Error::NotMapped);
}

TEST_F(PageTablesTest, query_clear_reports_each_use_once) {
  const auto leaf = map(0x1000, 0x5000);
  ASSERT_TRUE(leaf.has_value());
  machine_.touch(leaf->table, leaf->index, false);
  EXPECT_EQ(*tables_.query_clear(VirtAddr(0x1000)), (AccessBits{.accessed = true, .dirty = false}));
  machine_.touch(leaf->table, leaf->index, true);
  EXPECT_EQ(*tables_.query_clear(VirtAddr(0x1000)), (AccessBits{.accessed = true, .dirty = true}));
  EXPECT_EQ(*tables_.query_clear(VirtAddr(0x1000)), AccessBits{});
  EXPECT_EQ(error_of(tables_.query_clear(VirtAddr(0x2000))), Error::NotMapped);
}

constexpr AccessBits kUsed{.accessed = true, .dirty = true};

TEST_F(PageTablesTest, query_clear_and_unmap_see_a_use_between_load_and_exchange) {
  ASSERT_TRUE(map(0x1000, 0x5000).has_value());
  int call = 0;  // even: just before an exchange, odd: just after it
  machine_.processor = [&](PhysAddr table, TableIndex index) {
    if (call == 0 || call == 3 || call == 6) machine_.touch(table, index, true);
    ++call;
  };
  EXPECT_EQ(*tables_.query_clear(VirtAddr(0x1000)), kUsed);
  EXPECT_EQ(*tables_.query_clear(VirtAddr(0x1000)), AccessBits{});
  EXPECT_EQ(*tables_.query_clear(VirtAddr(0x1000)), kUsed);
  EXPECT_EQ(unmap(0x1000)->access, kUsed);
  EXPECT_EQ(call, 8);
}

TEST_F(PageTablesTest, protect_keeps_every_use_that_comes_in_between) {
  ASSERT_TRUE(map(0x1000, 0x5000).has_value());
  // Calls 0 and 1 are around the first exchange, 2 and 3 around the second; the last use is a write.
  for (const auto& moments : std::vector<std::vector<int>>{{0}, {1}, {0, 1}, {0, 1, 3}}) {
    int call = 0;
    machine_.processor = [&](PhysAddr table, TableIndex index) {
      const bool now = std::ranges::find(moments, call) != moments.end();
      if (now) machine_.touch(table, index, call == moments.back());
      ++call;
    };
    EXPECT_EQ(tables_.protect(VirtAddr(0x1000), Permissions::read_write()), Result<bool>(false));
    EXPECT_EQ(tables_.find(VirtAddr(0x1000))->access, kUsed);
    machine_.processor = {};
    EXPECT_EQ(*tables_.query_clear(VirtAddr(0x1000)), kUsed);
  }
  // The last write before the page becomes read-only.
  machine_.processor = [&](PhysAddr table, TableIndex index) { machine_.touch(table, index, true); };
  model_[0x1000].write = false;
  machine_.expect(model_);
  EXPECT_EQ(tables_.protect(VirtAddr(0x1000), Permissions::read_only()), Result<bool>(true));
  machine_.settle();
  EXPECT_EQ(tables_.find(VirtAddr(0x1000))->access, kUsed);
}

TEST_F(PageTablesTest, consecutive_pages_cost_one_load_each) {
  ASSERT_TRUE(map(k1G, 0x5000).has_value());
  const std::uint64_t before = machine_.loads();
  for (std::uint64_t i = kPageSize; i < k2M; i += kPageSize) {
    ASSERT_TRUE(map(k1G + i, 0x5000 + i).has_value());
  }
  EXPECT_EQ(machine_.loads() - before, 511U);
}

}  // namespace
}  // namespace fb::core::mem::test

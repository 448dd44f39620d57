#include "core/mem/open_table.hpp"

#include <gtest/gtest.h>

#include "tests/core/mem/page_tables_fixture.hpp"

namespace fb::core::mem::test {
namespace {

TEST_F(PageTablesTest, an_open_table_takes_pages_wherever_there_is_none_C2_13) {
  ASSERT_TRUE(map(k2M + 7 * kPageSize, 0x5000).has_value());
  for (std::uint64_t i = 0; i < 512; i += 3) {
    if (i != 7)
      model_.try_emplace(k2M + i * kPageSize, Mapping{0x10'0000 + i * kPageSize, false, true, false});
  }
  machine_.expect(model_);
  const auto found = tables_.leaf_table(VirtAddr(k2M));
  if (!found) FAIL() << "no table where something is mapped";
  const auto table = *found;
  {
    OpenTable open(machine_, table);
    for (std::uint32_t i = 0; i < 512; i += 3) {
      EXPECT_TRUE(open.map(TableIndex(i), PhysAddr(0x10'0000 + i * kPageSize), Permissions::read_execute(),
                           MemoryType::WriteBack));
    }
    EXPECT_FALSE(open.map(TableIndex(7), PhysAddr(0x9000), Permissions::read_only(), MemoryType::WriteBack));
    EXPECT_FALSE(open.map(TableIndex(3), PhysAddr(0x9000), Permissions::read_only(), MemoryType::WriteBack));
  }
  machine_.settle();  // which counts the pages of each table
  EXPECT_EQ(error_of(map(k2M + 3 * kPageSize, 0x5000)), Error::Mapped);
  EXPECT_TRUE(unmap(k2M + 3 * kPageSize).has_value());
}

TEST_F(PageTablesTest, there_is_a_leaf_table_only_where_something_is_mapped) {
  EXPECT_FALSE(tables_.leaf_table(VirtAddr(0)).has_value());
  ASSERT_TRUE(map(k1G, 0x5000).has_value());
  EXPECT_FALSE(tables_.leaf_table(VirtAddr(k1G - kPageSize)).has_value());
  EXPECT_FALSE(tables_.leaf_table(VirtAddr(k1G + k2M)).has_value());
  EXPECT_FALSE(tables_.leaf_table(VirtAddr(k1G + 1)).has_value());
  EXPECT_FALSE(tables_.leaf_table(VirtAddr(kUserEnd)).has_value());
  EXPECT_EQ(tables_.leaf_table(VirtAddr(k1G + k2M - kPageSize)), tables_.find(VirtAddr(k1G))->leaf.table);
  ASSERT_TRUE(unmap(k1G).has_value());
  EXPECT_FALSE(tables_.leaf_table(VirtAddr(k1G)).has_value());
}

}  // namespace
}  // namespace fb::core::mem::test

// PageTables by ranges: map_run, detach_range, detach_all.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/core/mem/page_tables_fixture.hpp"

namespace fb::core::mem::test {
namespace {

TEST_F(PageTablesTest, map_run_maps_across_tables_in_order) {
  PageRun run{
      .address = VirtAddr(k1G - 3 * kPageSize), .frame = PhysAddr(0x10'0000), .count = PageCount(600)};
  for (std::uint64_t i = 0; i < 600; ++i) {
    model[run.address.raw() + i * kPageSize] = {.frame = 0x10'0000 + i * kPageSize, .write = true};
  }
  machine.expect(model);
  std::vector<LeafRef> leaves;
  ASSERT_TRUE(tables
                  .map_run(run, Permissions::read_write(), MemoryType::WriteBack,
                           [&](LeafRef leaf) { leaves.push_back(leaf); })
                  .has_value());
  machine.settle();
  EXPECT_EQ(run.count, PageCount(0));
  EXPECT_EQ(run.address, VirtAddr(k1G + 597 * kPageSize));
  EXPECT_EQ(run.frame, PhysAddr(0x10'0000 + 600 * kPageSize));
  ASSERT_EQ(leaves.size(), 600U);
  for (std::uint64_t i = 0; i < 600; ++i) {
    EXPECT_EQ(tables.find(VirtAddr(k1G + (i - 3) * kPageSize))->leaf, leaves[i]);
  }
}

TEST_F(PageTablesTest, map_run_stops_where_it_fails_and_says_how_far_it_came) {
  ASSERT_TRUE(map(k2M + 2 * kPageSize, 0x5000).has_value());
  const auto attempt = [&](std::uint64_t address, std::uint64_t count, std::uint64_t mapped, Error error) {
    for (std::uint64_t i = 0; i < mapped; ++i) {
      model[address + i * kPageSize] = {0x10'0000 + i * kPageSize, false, true, true};
    }
    machine.expect(model);
    std::uint64_t calls = 0;
    PageRun run{.address = VirtAddr(address), .frame = PhysAddr(0x10'0000), .count = PageCount(count)};
    EXPECT_EQ(error_of(tables.map_run(run, Permissions::read_execute(), MemoryType::Uncached,
                                      [&](LeafRef) { ++calls; })),
              error);
    machine.settle();
    EXPECT_EQ(calls, mapped);
    EXPECT_EQ(run.count, PageCount(count - mapped));
    EXPECT_EQ(run.address, VirtAddr(address + mapped * kPageSize));
  };
  attempt(k2M - kPageSize, 8, 3, Error::Mapped);
  attempt(k2M, 1, 0, Error::Mapped);
  machine.set_budget(0);
  attempt(k2M + 510 * kPageSize, 4, 2, Error::NoMemory);
  attempt(0, 0, 0, Error{});
  attempt(1, 1, 0, Error::BadAddress);
  attempt(kUserEnd - kPageSize, 2, 0, Error::BadAddress);
  attempt(0, ~std::uint64_t{0}, 0, Error::BadAddress);
  attempt(0, std::uint64_t{1} << 52, 0, Error::BadAddress);
  attempt(kUserEnd, 1, 0, Error::BadAddress);
  PageRun run{.address = VirtAddr(0), .frame = PhysAddr(0x000f'ffff'ffff'f000), .count = PageCount(2)};
  EXPECT_EQ(error_of(tables.map_run(run, Permissions::read_only(), MemoryType::WriteBack, [](LeafRef) {})),
            Error::BadAddress);
}

TEST_F(PageTablesTest, detach_range_takes_only_its_range_and_passes_over_gaps) {
  const std::vector<std::uint64_t> pages{0,         kPageSize,           k2M, k1G, k1G + kPageSize,
                                         3 * k512G, kUserEnd - kPageSize};
  for (const std::uint64_t page : pages) ASSERT_TRUE(map(page, page + 0x1000).has_value());
  std::vector<std::uint64_t> seen;
  for (const std::uint64_t page : {kPageSize, k2M, k1G}) model.erase(page);
  machine.expect(model);
  VirtAddr position{kPageSize};
  EXPECT_TRUE(tables.detach_range(position, VirtAddr(k1G + kPageSize), detached, Steps(2000),
                                  [&](VirtAddr address, const Unmapped& unmapped) {
                                    EXPECT_EQ(unmapped.frame.raw(), address.raw() + 0x1000);
                                    seen.push_back(address.raw());
                                  }));
  machine.settle();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{kPageSize, k2M, k1G}));
  drain();
  const VirtAddr last{~std::uint64_t{0}};
  VirtAddr beyond = last;
  EXPECT_TRUE(tables.detach_range(beyond, last, detached, Steps(1), [](VirtAddr, const Unmapped&) {}));
}

TEST_F(PageTablesTest, detach_all_ends_with_the_root_alone_whatever_the_step) {
  for (const std::uint32_t step : {1U, 7U, 1000U}) {
    Tables again{machine, machine.root(), machine.owner()};
    for (std::uint64_t i = 0; i < 40; ++i) {
      const std::uint64_t page = (i * 0x0012'3456'7891 << 12) % kUserEnd & ~kPageMask;
      model[page] = {.frame = i << 12, .write = false};
      machine.expect(model);
      ASSERT_TRUE(again.map(VirtAddr(page), PhysAddr(i << 12), Permissions::read_only(), kWriteBack));
      machine.settle();
    }
    std::uint64_t leaves = 0;
    machine.expect({});
    while (!again.detach_all(detached, Steps(step), [&](VirtAddr, const Unmapped&) { ++leaves; })) {
    }
    machine.settle();
    EXPECT_EQ(leaves, model.size());
    model.clear();
    drain();
    EXPECT_EQ(machine.tables(), 1U);
  }
}

}  // namespace
}  // namespace fb::core::mem::test

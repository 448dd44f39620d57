#include "libos/rt/spawn_plan.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <vector>

#include "core/elf/format.hpp"

namespace fb::libos::rt {
namespace {

using core::Error;
using core::PageCount;

constexpr PageCount kPlenty{1 << 20};

struct Load {
  std::uint64_t address;
  std::uint64_t file_size;
  std::uint64_t memory_size;
  std::uint32_t flags;
};

template <class T>
void put(std::vector<std::byte>& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

/// A static ELF64 program, byte by byte (gABI chapters 4 and 5): code at the first segment's start.
std::vector<std::byte> program(const std::vector<Load>& loads, std::uint16_t type = 2) {
  std::vector<std::byte> bytes(4096 * (1 + loads.size()));
  std::memcpy(bytes.data(),
              "\x7f"
              "ELF\x02\x01\x01",
              7);
  put(bytes, 16, type);
  put(bytes, 18, std::uint16_t{62});
  put(bytes, 20, std::uint32_t{1});
  put(bytes, 24, loads.empty() ? std::uint64_t{0} : loads[0].address);
  put(bytes, 32, std::uint64_t{64});
  put(bytes, 52, std::uint16_t{64});
  put(bytes, 54, std::uint16_t{56});
  put(bytes, 56, static_cast<std::uint16_t>(loads.size()));
  for (std::size_t i = 0; i != loads.size(); ++i) {
    const std::size_t at = 64 + 56 * i;
    put(bytes, at, std::uint32_t{1});
    put(bytes, at + 4, loads[i].flags);
    put(bytes, at + 8, std::uint64_t{4096 * (1 + i)} + loads[i].address % 4096);
    put(bytes, at + 16, loads[i].address);
    put(bytes, at + 32, loads[i].file_size);
    put(bytes, at + 40, loads[i].memory_size);
    put(bytes, at + 48, std::uint64_t{4096});
  }
  return bytes;
}

TEST(SpawnPlan, places_each_segment_with_its_access) {
  const auto elf = program({{0x400000, 100, 100, 5}, {0x402010, 20, 9000, 6}});
  const auto plan = SpawnPlan::make(elf, kPlenty);
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->segment_count, 2u);
  EXPECT_EQ(plan->entry.raw(), 0x400000u);
  EXPECT_EQ(plan->segments[0].access, abi::AccessBit::Read | abi::AccessBit::Execute);
  EXPECT_EQ(plan->segments[1].access, abi::AccessBit::Read | abi::AccessBit::Write);
  EXPECT_EQ(plan->segments[1].start.raw(), 0x402000u);
  EXPECT_EQ(plan->segments[1].offset.raw(), 0x10u);
  EXPECT_EQ(plan->segments[1].pages.raw(), 3u);
  EXPECT_EQ(plan->total.raw(), 1 + 3 + kStackPages.raw() + kAreaPages.raw() + 1);
}

TEST(SpawnPlan, refuses_what_reaches_into_the_starters_range) {
  const auto elf = program({{0x400000, 100, 100, 5}, {kReservedStart - 4096, 20, 4097, 6}});
  EXPECT_EQ(SpawnPlan::make(elf, kPlenty).error(), Error::BadAddress);
  const auto edge = program({{0x400000, 100, 100, 5}, {kReservedStart - 4096, 20, 4096, 6}});
  EXPECT_TRUE(SpawnPlan::make(edge, kPlenty));
}

TEST(SpawnPlan, refuses_relocatable_and_oversized_programs) {
  EXPECT_EQ(SpawnPlan::make(program({{0x1000, 100, 100, 5}}, 3), kPlenty).error(), Error::NotSupported);
  const auto big = program({{0x400000, 100, 100, 5}, {0x10000000, 0, std::uint64_t{1} << 40, 6}});
  EXPECT_EQ(SpawnPlan::make(big, kPlenty).error(), Error::NoMemory);
}

RC_GTEST_PROP(SpawnPlan, any_damage_is_an_error_or_a_plan_that_holds, ()) {
  auto elf = program({{0x400000, 100, 100, 5}, {0x402010, 20, 9000, 6}});
  for (int i = *rc::gen::inRange(1, 6); i != 0; --i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, 64 + 2 * 56);
    elf[at] = static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>());
  }
  const auto plan = SpawnPlan::make(elf, kPlenty);
  if (!plan) return;
  for (std::size_t i = 0; i != plan->segment_count; ++i) {
    const PlannedSegment& segment = plan->segments[i];
    RC_ASSERT(segment.start.page_aligned());
    RC_ASSERT(segment.offset.raw() + segment.bytes.size() <= core::bytes_of(segment.pages).raw());
    RC_ASSERT((segment.start + core::bytes_of(segment.pages)).raw() <= kReservedStart);
    RC_ASSERT(!segment.access.has(abi::AccessBit::Write | abi::AccessBit::Execute));
    if (!segment.bytes.empty()) {
      RC_ASSERT(segment.bytes.data() >= elf.data());
      RC_ASSERT(segment.bytes.data() + segment.bytes.size() <= elf.data() + elf.size());
    }
  }
}

}  // namespace
}  // namespace fb::libos::rt

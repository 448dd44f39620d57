// Bits of entries as in Intel SDM vol. 3A, table 4-20, and the permissions that exist.
#include "core/mem/page_table_entry.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "core/cap/rights.hpp"
#include "core/mem/paging.hpp"

namespace fb::core::mem {
namespace {

constexpr std::array kAll{Permissions::read_only(), Permissions::read_write(), Permissions::read_execute()};

TEST(Permissions, exist_only_without_write_and_execute_C2_13) {
  for (std::uint64_t bits = 0; bits < 64; ++bits) {
    const auto made = Permissions::from_bits(bits);
    if (bits == 1 || bits == 3 || bits == 5) {
      ASSERT_TRUE(made.has_value());
      EXPECT_EQ(made->bits(), bits);
      EXPECT_EQ(made->writable(), bits == 3);
      EXPECT_EQ(made->executable(), bits == 5);
    } else {
      EXPECT_EQ(made.error(), (bits & 6) == 6 ? Error::WriteExecute : Error::BadArgument) << bits;
    }
  }
  EXPECT_EQ(Permissions::from_bits(~std::uint64_t{0}).error(), Error::WriteExecute);
  EXPECT_EQ(Permissions::from_bits(std::uint64_t{1} << 63).error(), Error::BadArgument);
}

TEST(Permissions, bits_are_those_of_the_rights) {
  EXPECT_EQ(Permissions::kRead, cap::Rights(cap::Right::Read).raw());
  EXPECT_EQ(Permissions::kWrite, cap::Rights(cap::Right::Write).raw());
  EXPECT_EQ(Permissions::kExecute, cap::Rights(cap::Right::Execute).raw());
}

TEST(Permissions, within_is_inclusion_of_what_is_allowed) {
  for (const Permissions a : kAll) {
    for (const Permissions b : kAll) EXPECT_EQ(a.within(b), (a.bits() & ~b.bits()) == 0);
  }
}

TEST(Pte, leaf_has_the_bits_of_the_manual) {
  const PhysAddr frame{0x000a'bcde'f123'4000};
  constexpr std::uint64_t kNx = std::uint64_t{1} << 63;
  const auto bits = [&](Permissions permissions, MemoryType type) {
    return Pte::leaf(frame, permissions, type).raw() ^ frame.raw();
  };
  EXPECT_EQ(bits(Permissions::read_only(), MemoryType::WriteBack), kNx | 0x05);
  EXPECT_EQ(bits(Permissions::read_write(), MemoryType::WriteBack), kNx | 0x07);
  EXPECT_EQ(bits(Permissions::read_execute(), MemoryType::WriteBack), 0x05U);
  EXPECT_EQ(bits(Permissions::read_write(), MemoryType::Uncached), kNx | 0x1f);
  EXPECT_EQ(Pte::table(frame).raw(), frame.raw() | 0x07);
}

TEST(Pte, gives_back_what_it_was_made_of) {
  const PhysAddr frame{0x000f'ffff'ffff'f000};
  for (const Permissions permissions : kAll) {
    for (const MemoryType type : {MemoryType::WriteBack, MemoryType::Uncached}) {
      const Pte leaf(Pte::leaf(frame, permissions, type).raw() | Pte::kAccessed | Pte::kDirty);
      EXPECT_TRUE(leaf.present());
      EXPECT_EQ(leaf.address(), frame);
      EXPECT_EQ(leaf.permissions(), permissions);
      EXPECT_EQ(leaf.memory_type(), type);
      EXPECT_EQ(leaf.access(), (AccessBits{.accessed = true, .dirty = true}));
      EXPECT_EQ(leaf.without_access(), Pte::leaf(frame, permissions, type));
      EXPECT_EQ(leaf.without_access().with_access_of(leaf), leaf);
      for (const Permissions other : kAll) {
        EXPECT_EQ(leaf.with(other).without_access(), Pte::leaf(frame, other, type));
        EXPECT_EQ(leaf.with(other).access(), leaf.access());
      }
    }
  }
}

TEST(Pte, addressable_is_aligned_and_of_52_bits) {
  EXPECT_TRUE(Pte::addressable(PhysAddr(0)));
  EXPECT_TRUE(Pte::addressable(PhysAddr(0x000f'ffff'ffff'f000)));
  EXPECT_FALSE(Pte::addressable(PhysAddr(0x0010'0000'0000'0000)));
  EXPECT_FALSE(Pte::addressable(PhysAddr(0x8000'0000'0000'0000)));
  EXPECT_FALSE(Pte::addressable(PhysAddr(0x1001)));
}

TEST(Paging, editable_is_the_aligned_user_half) {
  EXPECT_TRUE(editable(VirtAddr(0)));
  EXPECT_TRUE(editable(VirtAddr(kUserEnd - kPageSize)));
  constexpr std::uint64_t kOne = 1;
  for (const std::uint64_t address :
       {kOne, kUserEnd - 1, kUserEnd, kUserEnd + kPageSize, kOne << 47, kOne << 48, ~kPageMask, ~kOne + 1}) {
    EXPECT_FALSE(editable(VirtAddr(address))) << std::hex << address;
  }
}

TEST(Paging, index_and_base_take_an_address_apart) {
  const VirtAddr address{(std::uint64_t{255} << 39) | (1 << 30) | (std::uint64_t{511} << 21) | (7 << 12)};
  EXPECT_EQ(index(address, 4).raw(), 255U);
  EXPECT_EQ(index(address, 3).raw(), 1U);
  EXPECT_EQ(index(address, 2).raw(), 511U);
  EXPECT_EQ(index(address, 1).raw(), 7U);
  EXPECT_EQ(table_base(address, 1).raw(), address.raw() - (7 << 12));
  EXPECT_EQ(table_base(address, 3).raw(), std::uint64_t{255} << 39);
  EXPECT_EQ(next_entry(address, 1), address.raw() + 4096);
  EXPECT_EQ(next_entry(address, 2), (std::uint64_t{255} << 39) | (std::uint64_t{2} << 30));
}

}  // namespace
}  // namespace fb::core::mem

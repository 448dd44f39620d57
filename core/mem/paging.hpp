// The geometry of 4-level paging with 4 KiB leaves, and what is said about one page (Intel SDM vol. 3A, 4.5).
#pragma once

#include <cstdint>

#include "core/mem/page_table_entry.hpp"
#include "core/types.hpp"

namespace fb::core::mem {

/// Which entry of a table: 0 to 511.
using TableIndex = Strong<struct TableIndexTag, std::uint32_t>;
inline constexpr std::uint32_t kTableEntries = 512;
inline constexpr unsigned kTableShift = 9;

/// The paging structures from the leaf up: page table, page directory, page-directory-pointer table, PML4.
enum class TableLevel : std::uint8_t { Leaf = 1, Directory = 2, Pointer = 3, Root = 4 };

// Levels are plain numbers (1 to 4) below: there is arithmetic on them.

/// The lowest of the address bits that choose an entry of this level.
constexpr unsigned shift(unsigned level) {
  return static_cast<unsigned>(kPageShift) + kTableShift * (level - 1);
}
constexpr TableIndex index(VirtAddr address, unsigned level) {
  return TableIndex(static_cast<std::uint32_t>(address.raw() >> shift(level)) % kTableEntries);
}
/// The first address that another entry of this level translates.
constexpr std::uint64_t next_entry(VirtAddr address, unsigned level) {
  return ((address.raw() >> shift(level)) + 1) << shift(level);
}
/// The first address that the same table of this level translates.
constexpr VirtAddr table_base(VirtAddr address, unsigned level) {
  return VirtAddr(address.raw() >> shift(level + 1) << shift(level + 1));
}
/// One leaf table translates both.
constexpr bool same_table(VirtAddr a, VirtAddr b) { return ((a.raw() ^ b.raw()) >> shift(2)) == 0; }
/// Page-aligned and of the user half.
constexpr bool editable(VirtAddr address) {
  // kUserEnd has every bit that an aligned address of the lower half may have; it is itself the guard page.
  static_assert(kUserEnd == (std::uint64_t{1} << 47) - kPageSize);
  return (address.raw() & ~kUserEnd) == 0 && address.raw() != kUserEnd;
}

/// Where a leaf entry is. Valid until its page is unmapped.
struct LeafRef {
  PhysAddr table;
  TableIndex index;
  constexpr bool operator==(const LeafRef&) const = default;
};

/// What was mapped, and whether it had been used since the bits were last cleared. Until the TLB shootdown
/// other processors may still use the frame. The table of `leaf` may be among the detached ones.
struct Unmapped {
  PhysAddr frame;
  AccessBits access;
  LeafRef leaf;
};

/// One page, as the tables say.
struct Translation {
  PhysAddr frame;
  Permissions permissions;
  MemoryType type;
  AccessBits access;
  LeafRef leaf;
};

/// A bound on work: one step is at most five loads and one call of the caller's function.
using Steps = Quantity<struct StepsTag, std::uint32_t>;

}  // namespace fb::core::mem

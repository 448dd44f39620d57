// The user half of one address space: editing its 4-level x86-64 page tables (4 KiB leaves).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "core/mem/page_table_entry.hpp"
#include "core/mem/paging.hpp"
#include "core/mem/table_machine.hpp"
#include "core/result.hpp"
#include "core/types.hpp"

namespace fb::core::mem {

/// Maps, unmaps, protects and looks up pages of the lower 256 root entries (C1.02, C2.13, C2.14); the kernel
/// half is the kernel's and is never read. Formats and rules: Intel SDM vol. 3A, 4.5 and 4.10.
///
/// The caller holds the address-space lock for every call, and shoots down TLBs before it frees or reuses
/// what an edit returned. At every instant a hardware walk of any page sees its old or its new translation:
/// new tables are complete before the one store that links them. `map` never needs a flush: absent entries
/// are not cached (4.10.2).
///
/// A cursor remembers the last level-1 table: a further page of the same 2 MiB costs no walk.
template <TableMachine Machine>
class PageTables {
 public:
  using Owner = typename Machine::Owner;
  using Detached = DetachedTables<Machine>;

  /// `root` is a level-4 table that the caller made, with an empty user half, and that it frees at the end.
  PageTables(Machine& machine, PhysAddr root, Owner owner) : machine_(machine), root_(root), owner_(owner) {}
  PageTables(const PageTables&) = delete;
  PageTables& operator=(const PageTables&) = delete;

  [[nodiscard]] PhysAddr root() const { return root_; }

  /// Maps one page. On error nothing has changed, and no table stays behind.
  /// BadAddress: unaligned, or `address` not of the user half. Mapped. Errors of allocate_table (NoMemory).
  Result<LeafRef> map(VirtAddr address, PhysAddr frame, Permissions permissions, MemoryType type) {
    if (!editable(address) || !Pte::addressable(frame)) [[unlikely]]
      return fail(Error::BadAddress);
    const Pte entry = Pte::leaf(frame, permissions, type);
    if (region(address) != cursor_region_) [[unlikely]]
      return put_elsewhere(address, entry);
    return put(address, entry);
  }

  /// The leaf table that translates `address`, if there is one: for an OpenTable, as long as the lock is held.
  std::optional<PhysAddr> leaf_table(VirtAddr address) {
    if (!editable(address)) return std::nullopt;
    if (region(address) != cursor_region_ && descend(address).level != kLeaf) return std::nullopt;
    return cursor_table_;
  }

  /// Unmaps one page; never needs memory. Tables that this empties go to `detached`. BadAddress, NotMapped.
  Result<Unmapped> unmap(VirtAddr address, Detached& detached) {
    FB_ASSIGN(const Leaf leaf, locate(address));
    return remove(address, leaf.at, detached);
  }

  /// `count` pages of `table`, which is the leaf table of `address`, have been taken out of it by the caller.
  void unmapped(VirtAddr address, PhysAddr table, std::uint32_t count, Detached& detached) {
    Frame& frame = machine_.frame(table);
    frame.live = static_cast<std::uint16_t>(frame.live - count);
    if (frame.live == 0 && count != 0) prune(address, detached);
  }

  /// Changes what a page allows. True: some processor may still allow more, flush. BadAddress, NotMapped.
  Result<bool> protect(VirtAddr address, Permissions permissions) {
    FB_ASSIGN(const Leaf leaf, locate(address));
    Pte next = leaf.entry.with(permissions);
    // The processor may set A or D before our exchange and after our load, or last exchange: put them back.
    for (;;) {
      const Pte seen = machine_.exchange(leaf.at.table, leaf.at.index, next);
      const Pte merged = next.with_access_of(seen);
      if (merged == next) break;
      next = merged;
    }
    return !leaf.entry.permissions().within(permissions);
  }

  /// Reads and clears A and D, at once. A processor that has the translation cached sets a cleared bit again
  /// only after a flush. BadAddress, NotMapped.
  Result<AccessBits> query_clear(VirtAddr address) {
    FB_ASSIGN(const Leaf leaf, locate(address));
    return machine_.exchange(leaf.at.table, leaf.at.index, leaf.entry.without_access()).access();
  }

  /// BadAddress, NotMapped.
  Result<Translation> find(VirtAddr address) {
    FB_ASSIGN(const Leaf leaf, locate(address));
    return Translation{.frame = leaf.entry.address(),
                       .permissions = leaf.entry.permissions(),
                       .type = leaf.entry.memory_type(),
                       .access = leaf.entry.access(),
                       .leaf = leaf.at};
  }

  /// The first mapped page at or after `position`, which moves there; nothing when there is none. `steps` bounds the
  /// work: when it runs out, there is no leaf either, and `position` is below the end of the user half.
  std::optional<LeafRef> next(VirtAddr& position, Steps steps) {
    std::uint64_t at = position.raw() & ~kPageMask;
    for (std::uint32_t left = steps.raw(); at < kUserEnd && left != 0; --left) {
      const VirtAddr address(at);
      position = address;
      const Place place = region(address) == cursor_region_ ? Place{cursor_table_, kLeaf} : descend(address);
      if (place.level != kLeaf) {
        at = next_entry(address, place.level);
        continue;
      }
      const LeafRef leaf{place.table, index(address, kLeaf)};
      if (machine_.load(leaf.table, leaf.index).present()) return leaf;
      at += kPageSize;
    }
    position = VirtAddr(std::min(at, kUserEnd));
    return std::nullopt;
  }

 private:
  static constexpr unsigned kLeaf = 1;
  static constexpr unsigned kRoot = 4;
  static constexpr std::uint64_t kNoRegion = ~std::uint64_t{0};

  /// The deepest table there is on the way to an address.
  struct Place {
    PhysAddr table;
    unsigned level;
  };
  struct Leaf {
    LeafRef at;
    Pte entry;
  };

  /// Which 2 MiB: pages of one level-1 table.
  static constexpr std::uint64_t region(VirtAddr address) { return address.raw() >> shift(kLeaf + 1); }

  /// Walks down as far as there are tables; at level 1 the cursor is there.
  Place descend(VirtAddr address) {
    PhysAddr table = root_;
    for (unsigned level = kRoot; level > kLeaf; --level) {
      const Pte entry = machine_.load(table, index(address, level));
      if (!entry.present()) return {table, level};
      table = entry.address();
    }
    point_at(address, table);
    return {table, kLeaf};
  }

  Result<Leaf> locate(VirtAddr address) {
    if (!editable(address)) return fail(Error::BadAddress);
    if (region(address) != cursor_region_ && descend(address).level != kLeaf) return fail(Error::NotMapped);
    const LeafRef at{cursor_table_, index(address, kLeaf)};
    const Pte entry = machine_.load(at.table, at.index);
    if (!entry.present()) return fail(Error::NotMapped);
    return Leaf{at, entry};
  }

  /// Maps in the table that the cursor points at.
  Result<LeafRef> put(VirtAddr address, Pte entry) {
    const LeafRef leaf{cursor_table_, index(address, kLeaf)};
    if (machine_.load(leaf.table, leaf.index).present()) [[unlikely]]
      return fail(Error::Mapped);
    machine_.store(leaf.table, leaf.index, entry);
    ++machine_.frame(leaf.table).live;
    return leaf;
  }
  // Out of line: with a walk inlined, `map` would save registers that its common path does not use.
  [[gnu::noinline]] Result<LeafRef> put_elsewhere(VirtAddr address, Pte entry) {
    const Place place = descend(address);
    return place.level == kLeaf ? put(address, entry) : grow(address, entry, place);
  }

  /// Maps where tables are missing below `place`: allocate all, fill from the leaf up, link with one store.
  Result<LeafRef> grow(VirtAddr address, Pte entry, Place place) {
    std::array<PhysAddr, kRoot> fresh{};  // by level
    for (unsigned level = kLeaf; level < place.level; ++level) {
      const auto table = machine_.allocate_table(TableLevel(level), table_base(address, level), owner_);
      if (!table) {
        // No processor has seen these.
        while (--level >= kLeaf) machine_.free_table(fresh[level], TableLevel(level));
        return fail(table.error());
      }
      fresh[level] = *table;
    }
    for (unsigned level = kLeaf; level < place.level; ++level) {
      machine_.store(fresh[level], index(address, level), entry);
      machine_.frame(fresh[level]).live = 1;
      entry = Pte::table(fresh[level]);
    }
    machine_.store(place.table, index(address, place.level), entry);
    if (place.level != kRoot) ++machine_.frame(place.table).live;
    point_at(address, fresh[kLeaf]);
    return LeafRef{fresh[kLeaf], index(address, kLeaf)};
  }

  Unmapped remove(VirtAddr address, LeafRef leaf, Detached& detached) {
    const Pte old = machine_.exchange(leaf.table, leaf.index, Pte());
    if (--machine_.frame(leaf.table).live == 0) prune(address, detached);
    return {.frame = old.address(), .access = old.access(), .leaf = leaf};
  }

  /// Cuts off the level-1 table of `address`, which is empty, and each table above that this empties.
  void prune(VirtAddr address, Detached& detached) {
    std::array<PhysAddr, kRoot + 1> path{};  // by level
    path[kRoot] = root_;
    for (unsigned level = kRoot; level > kLeaf; --level) {
      path[level - 1] = machine_.load(path[level], index(address, level)).address();
    }
    cursor_region_ = kNoRegion;
    for (unsigned level = kLeaf; level < kRoot; ++level) {
      machine_.store(path[level + 1], index(address, level + 1), Pte());
      detached.push(path[level], TableLevel(level));
      if (level + 1 == kRoot || --machine_.frame(path[level + 1]).live != 0) return;
    }
  }

  void point_at(VirtAddr address, PhysAddr leaf_table) {
    cursor_region_ = region(address);
    cursor_table_ = leaf_table;
  }

  Machine& machine_;
  PhysAddr root_;
  Owner owner_;
  std::uint64_t cursor_region_ = kNoRegion;  ///< the 2 MiB whose level-1 table cursor_table_ is
  PhysAddr cursor_table_;
};

}  // namespace fb::core::mem

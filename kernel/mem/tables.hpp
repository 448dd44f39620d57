// Page tables bound to the machine: entries through the direct map, tables paid by the owner of the address space.
#pragma once

#include "core/mem/open_table.hpp"
#include "core/mem/page_tables.hpp"
#include "kernel/mem/account.hpp"

namespace fb::kernel::mem {

/// Whom the tables of one address space belong to.
struct TableOwner {
  Account* account = nullptr;
};

/// A level-1 table comes with two frames of shadow: for each of its 512 entries the 16 bytes that tie the mapping to
/// the capability it was made by (object/binding.hpp).
class TableMachine {
 public:
  using Owner = TableOwner*;
  explicit TableMachine(Memory& memory) : memory_(memory) {}

  [[nodiscard]] core::mem::Pte load(core::PhysAddr table, core::mem::TableIndex index) const {
    return core::mem::Pte(__atomic_load_n(entry(table, index), __ATOMIC_RELAXED));  // the lock orders edits
  }
  void store(core::PhysAddr table, core::mem::TableIndex index, core::mem::Pte pte) {
    __atomic_store_n(entry(table, index), pte.raw(),
                     __ATOMIC_RELEASE);  // a table is whole before it is linked
  }
  core::mem::Pte exchange(core::PhysAddr table, core::mem::TableIndex index, core::mem::Pte pte) {
    return core::mem::Pte(__atomic_exchange_n(entry(table, index), pte.raw(), __ATOMIC_ACQ_REL));
  }
  core::Result<core::PhysAddr> allocate_table(core::mem::TableLevel level, core::VirtAddr base, Owner owner);
  void free_table(core::PhysAddr table, core::mem::TableLevel level);
  Frame& frame(core::PhysAddr table) { return memory_.frame(table); }

  static constexpr core::PageCount kShadowPages{2};
  static constexpr std::uint64_t kShadowEntryBytes = 16;
  /// Where the shadow entry of a leaf is.
  [[nodiscard]] void* shadow(const core::mem::LeafRef& leaf) const {
    const auto first = core::FrameNumber(memory_.frame(leaf.table).aux);
    return arch::direct<char>(core::PhysAddr(first)) + leaf.index.raw() * kShadowEntryBytes;
  }
  struct ShadowPlace {
    TableOwner* owner;
    core::VirtAddr address;
  };
  /// The address space and the address whose mapping a shadow entry describes.
  [[nodiscard]] ShadowPlace place_of(const void* shadow_entry) const {
    const auto at = arch::direct_to_physical(shadow_entry);
    const auto& frame = memory_.frame(at);
    const auto index = (at.raw() & core::kPageMask) / kShadowEntryBytes;
    return {static_cast<TableOwner*>(frame.owner), core::VirtAddr(frame.aux + index * core::kPageSize)};
  }

 private:
  static std::uint64_t* entry(core::PhysAddr table, core::mem::TableIndex index) {
    return arch::direct<std::uint64_t>(table) + index.raw();
  }
  Memory& memory_;
};
static_assert(core::mem::TableMachine<TableMachine>);

using OpenTable = core::mem::OpenTable<TableMachine>;
using PageTables = core::mem::PageTables<TableMachine>;
using DetachedTables = core::mem::DetachedTables<TableMachine>;

}  // namespace fb::kernel::mem

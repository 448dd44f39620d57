// What page-table editing asks of the machine, and the list of tables that wait for a TLB shootdown.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "core/mem/frame.hpp"
#include "core/mem/page_table_entry.hpp"
#include "core/mem/paging.hpp"
#include "core/result.hpp"
#include "core/types.hpp"

namespace fb::core::mem {

/// The machine underneath a PageTables.
///  - `Owner`: what tables belong to; the editor only hands it on.
///  - `load`, `store`, `exchange`: one entry, each a single 64-bit access. The processor reads tables, and
///    sets A and D, at any time: `exchange` is atomic; no `store` is visible before an earlier one (release).
///  - `allocate_table(level, base, owner)`: a zeroed table of level Leaf to Pointer, its Frame's `live` 0, or
///    an error, which the editor passes on; `base` is the first address that the table will translate. It
///    charges the owner, makes what else such a table needs, and must not edit the same address space.
///  - `free_table(table, level)`: takes back one that no processor can reach.
///  - `frame(table)`: the descriptor of a table's frame. The editor uses `live`, and `next` once detached.
template <class M>
concept TableMachine = requires(M machine, PhysAddr table, TableIndex index, Pte entry, TableLevel level,
                                VirtAddr base, typename M::Owner owner) {
  { machine.load(table, index) } -> std::same_as<Pte>;
  { machine.store(table, index, entry) } -> std::same_as<void>;
  { machine.exchange(table, index, entry) } -> std::same_as<Pte>;
  { machine.allocate_table(level, base, owner) } -> std::same_as<Result<PhysAddr>>;
  { machine.free_table(table, level) } -> std::same_as<void>;
  { machine.frame(table) } -> std::same_as<Frame&>;
};

/// Tables cut off from their address space, all zero. A processor may still hold a path to one in its
/// paging-structure caches (SDM 3A, 4.10.3), so they are freed only after a TLB shootdown: collect with as
/// many edits as one shootdown covers, then shoot down, then `drain`. It needs no memory: they are chained
/// through their Frames, one chain per level. Not thread-safe; belongs to one batch.
template <TableMachine Machine>
class DetachedTables {
 public:
  explicit DetachedTables(Machine& machine) : machine_(machine) { heads_.fill(kNoFrame); }
  DetachedTables(const DetachedTables&) = delete;
  DetachedTables& operator=(const DetachedTables&) = delete;

  [[nodiscard]] bool empty() const {
    return heads_[0] == kNoFrame && heads_[1] == kNoFrame && heads_[2] == kNoFrame;
  }
  void push(PhysAddr table, TableLevel level) {
    std::uint32_t& head = heads_[slot(level)];
    machine_.frame(table).next = head;
    head = static_cast<std::uint32_t>(table.frame().raw());
  }
  /// Frees one, after the shootdown; false when there is none. For callers that must stay preemptible.
  bool drain_one() {
    for (const TableLevel level : {TableLevel::Leaf, TableLevel::Directory, TableLevel::Pointer}) {
      std::uint32_t& head = heads_[slot(level)];
      if (head == kNoFrame) continue;
      const PhysAddr table{FrameNumber(head)};
      head = machine_.frame(table).next;
      machine_.free_table(table, level);
      return true;
    }
    return false;
  }
  /// Frees all, after the shootdown.
  void drain() {
    while (drain_one()) {
    }
  }

 private:
  static constexpr std::size_t slot(TableLevel level) { return static_cast<std::size_t>(level) - 1; }
  Machine& machine_;
  std::array<std::uint32_t, 3> heads_{};
};

}  // namespace fb::core::mem

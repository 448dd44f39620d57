// Mapping many pages in one leaf table.
#pragma once

#include "core/mem/table_machine.hpp"

namespace fb::core::mem {

/// A leaf table of an address space (PageTables::leaf_table) that is being filled page by page: what `map` of the editor
/// finds out for each page, this keeps. The address-space lock is held as long as it lives, and nothing else edits.
template <TableMachine Machine>
class OpenTable {
 public:
  OpenTable(Machine& machine, PhysAddr table) : machine_(machine), table_(table) {}
  ~OpenTable() {
    Frame& frame = machine_.frame(table_);
    frame.live = static_cast<std::uint16_t>(frame.live + mapped_);
  }
  OpenTable(const OpenTable&) = delete;
  OpenTable& operator=(const OpenTable&) = delete;

  /// Maps `frame`, which is addressable. False, and nothing done, if a page is mapped there.
  bool map(TableIndex index, PhysAddr frame, Permissions permissions, MemoryType type) {
    if (machine_.load(table_, index).present()) return false;
    machine_.store(table_, index, Pte::leaf(frame, permissions, type));
    ++mapped_;
    return true;
  }

 private:
  Machine& machine_;
  PhysAddr table_;
  std::uint32_t mapped_ = 0;
};

}  // namespace fb::core::mem

#include "kernel/mem/tables.hpp"

namespace fb::kernel::mem {

using core::FrameNumber;
using core::PageCount;
using core::PhysAddr;
using core::mem::TableLevel;

core::Result<PhysAddr> TableMachine::allocate_table(TableLevel level, core::VirtAddr base, Owner owner) {
  auto& account = *owner->account;
  FB_ASSIGN(const auto table, account.take_frames(memory_, PageCount(1), FrameState::Table, owner));
  auto& frame = memory_.frame(table);
  frame.live = 0;
  frame.aux = 0;
  if (level != TableLevel::Leaf) return PhysAddr(table);
  // Not zeroed: what describes a mapping is written before anyone looks at it.
  const auto shadow = account.take_raw_frames(memory_, kShadowPages, FrameState::Shadow, owner);
  if (!shadow) {
    account.give_frames(memory_, table, PageCount(1));
    return core::fail(shadow.error());
  }
  frame.aux = shadow->raw();
  for (std::uint64_t i = 0; i < kShadowPages.raw(); ++i) {
    auto& part = memory_.frame(*shadow + FrameNumber(i));
    part.state = FrameState::Shadow;
    part.owner = owner;
    part.aux = base.raw() + i * (core::kPageSize / kShadowEntryBytes) * core::kPageSize;
  }
  return PhysAddr(table);
}

void TableMachine::free_table(PhysAddr table, TableLevel level) {
  const auto& frame = memory_.frame(table);
  auto& account = *static_cast<TableOwner*>(frame.owner)->account;
  if (level == TableLevel::Leaf) account.give_frames(memory_, FrameNumber(frame.aux), kShadowPages);
  account.give_frames(memory_, table.frame(), PageCount(1));
}

}  // namespace fb::kernel::mem

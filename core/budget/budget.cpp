#include "core/budget/budget.hpp"

namespace fb::core::budget {

/// Takes free pages out of `own`; false when there are fewer.
bool Budget::give(PageCount pages) {
  Word word = word_.load(std::memory_order_relaxed);
  do {
    if (pages.raw() > free_of(word)) return false;
    // relaxed: as in charge; the lock of the tree orders everything else.
  } while (!word_.compare_exchange_weak(word, word - (pages.raw() << kOwnShift), std::memory_order_relaxed));
  return true;
}

/// Adds to `own`, which cannot overflow: pages only move within a tree of at most kMaxPages.
void Budget::receive(PageCount pages) {
  word_.fetch_add(pages.raw() << kOwnShift, std::memory_order_relaxed);  // relaxed: as in give
}

Result<> Budget::endow(PageCount pages) {
  if (parent_ != nullptr) return fail(Error::NotOwner);
  if (pages > kMaxPages - limit_) return fail(Error::Limit);
  receive(pages);
  limit_ += pages;
  return {};
}

Result<> Budget::endow_slots(CpuId cpu, sched::SlotMask slots) {
  if (parent_ != nullptr) return fail(Error::NotOwner);
  if (!valid(cpu)) return fail(Error::BadArgument);
  CpuSlots& mine = slots_[cpu.raw()];
  if (!mine.held.meet(slots).empty()) return fail(Error::Busy);
  mine.held = mine.held.join(slots);
  mine.free = mine.free.join(slots);
  return {};
}

Result<> Budget::create_child(Budget& child, PageCount pages) {
  // A root that was endowed, or is this tree's own root, must not hang below it.
  if (child.parent_ != nullptr || child.children_ != 0 || &child == this) return fail(Error::Busy);
  if (child.limit_ != PageCount(0)) return fail(Error::Busy);
  for (const CpuSlots& slots : child.slots_) {
    if (!slots.held.empty()) return fail(Error::Busy);
  }
  child.parent_ = this;
  ++children_;
  if (auto grown = grow(child, pages); !grown) {
    child.parent_ = nullptr;
    --children_;
    return grown;
  }
  return {};
}

Result<> Budget::grow(Budget& child, PageCount pages) {
  if (!owns(child)) return fail(Error::NotOwner);
  if (!give(pages)) return fail(Error::NoMemory);
  child.receive(pages);
  child.limit_ += pages;
  return {};
}

Result<> Budget::shrink(Budget& child, PageCount pages) {
  if (!owns(child)) return fail(Error::NotOwner);
  if (!child.give(pages)) return fail(Error::Busy);
  child.limit_ -= pages;
  receive(pages);
  return {};
}

Result<> Budget::lend_slots(Budget& child, CpuId cpu, sched::SlotMask slots) {
  if (!owns(child)) return fail(Error::NotOwner);
  if (!valid(cpu)) return fail(Error::BadArgument);
  CpuSlots& mine = slots_[cpu.raw()];
  CpuSlots& theirs = child.slots_[cpu.raw()];
  if (!slots.within(mine.free)) return fail(Error::NoSlices);
  mine.free = mine.free.without(slots);
  theirs.held = theirs.held.join(slots);
  theirs.free = theirs.free.join(slots);
  return {};
}

Result<> Budget::reclaim_slots(Budget& child, CpuId cpu, sched::SlotMask slots) {
  if (!owns(child)) return fail(Error::NotOwner);
  if (!valid(cpu)) return fail(Error::BadArgument);
  CpuSlots& theirs = child.slots_[cpu.raw()];
  if (!slots.within(theirs.free)) return fail(Error::Busy);
  theirs.held = theirs.held.without(slots);
  theirs.free = theirs.free.without(slots);
  CpuSlots& mine = slots_[cpu.raw()];
  mine.free = mine.free.join(slots);
  return {};
}

Result<> Budget::charge_slots(CpuId cpu, sched::SlotMask slots) {
  if (!valid(cpu)) return fail(Error::BadArgument);
  CpuSlots& mine = slots_[cpu.raw()];
  if (!slots.within(mine.free)) return fail(Error::NoSlices);
  mine.free = mine.free.without(slots);
  mine.used = mine.used.join(slots);
  return {};
}

Result<> Budget::refund_slots(CpuId cpu, sched::SlotMask slots) {
  if (!valid(cpu) || !slots.within(slots_[cpu.raw()].used)) return fail(Error::BadArgument);
  CpuSlots& mine = slots_[cpu.raw()];
  mine.used = mine.used.without(slots);
  mine.free = mine.free.join(slots);
  return {};
}

Result<> Budget::close(Budget& child) {
  if (!owns(child)) return fail(Error::NotOwner);
  if (child.children_ != 0) return fail(Error::Busy);
  for (const CpuSlots& slots : child.slots_) {
    if (!slots.used.empty()) return fail(Error::Busy);
  }
  // Without children own is the limit; a racing charge either makes this fail or finds nothing left.
  Word idle = child.limit_.raw() << kOwnShift;
  // acquire: pairs with refund, so that what its callers did with the child is over before it is freed.
  if (!child.word_.compare_exchange_strong(idle, 0, std::memory_order_acquire, std::memory_order_relaxed)) {
    return fail(Error::Busy);
  }
  for (std::size_t cpu = 0; cpu < kMaxCpus; ++cpu) {
    slots_[cpu].free = slots_[cpu].free.join(child.slots_[cpu].held);
    child.slots_[cpu] = {};
  }
  receive(child.limit_);
  child.limit_ = {};
  child.parent_ = nullptr;
  --children_;
  return {};
}

}  // namespace fb::core::budget

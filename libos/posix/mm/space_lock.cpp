// Memory that is loaded ahead of its use: mlock and its kin, MAP_POPULATE; and what is known of it: mincore, msync.
#include <algorithm>

#include "libos/posix/mm/space.hpp"

namespace fb::libos::posix::mm {

namespace {

/// The pages that `length` bytes from `address` on touch. Errors: Invalid.
Answer<Range> pages_of(core::VirtAddr address, core::ByteCount length) {
  const std::uint64_t start = page_down(address.raw());
  const std::uint64_t size = page_up(length.raw() + (address.raw() - start));
  if (start + size < start || (size == 0 && length.raw() != 0)) return fail(Errno::Invalid);
  return Range{start, start + size};
}

Touch touch_of(const Area& area) {
  const bool write = (area.protection & kProtWrite) != 0 && !area.shared;
  return write ? Touch::Write : Touch::Read;
}

}  // namespace

void Space::populate(Range range) {
  for (std::uint64_t at = range.start; at < range.end; at += core::kPageSize) {
    const Area* area = areas_.find(at);
    if (area == nullptr) return;
    const auto result = need(at, touch_of(*area));
    // What cannot be had now is had, or refused, when it is touched.
    if (!result || *result != FaultResult::Handled) return;
  }
}

Answer<> Space::load_all(Range range, Touch touch) {
  for (std::uint64_t at = range.start; at < range.end; at += core::kPageSize) {
    if (areas_.find(at) == nullptr) return fail(Errno::NoMemory);
    FB_ASSIGN(const auto result, need(at, touch));
    if (result == FaultResult::NotAllowed) return fail(Errno::Invalid);
    if (result != FaultResult::Handled) return fail(Errno::Fault);
  }
  return {};
}

Answer<> Space::set_locked(Range range, bool locked, bool load) {
  if (range.empty()) return {};
  const auto [end, why] = areas_.protectable(range, 0);
  const Range there{range.start, end};
  if (!there.empty()) FB_TRY(areas_.edit(there, [&](Area& area) { area.locked = locked; }));
  for (std::uint64_t at = there.start; load && at < there.end; at += core::kPageSize) {
    const auto result = need(at, touch_of(*areas_.find(at)));
    if (!result) return fail(Errno::TryAgain);
    if (*result != FaultResult::Handled) return fail(Errno::NoMemory);
  }
  return why;
}

Answer<> Space::mlock(core::VirtAddr address, core::ByteCount length, std::uint32_t flags) {
  if ((flags & ~kLockOnFault) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const Range range, pages_of(address, length));
  std::uint64_t locked = range.size();
  for (const Area& area : areas_.view()) {
    if (!area.locked) continue;
    locked += area.range.size();
    // What is locked already does not count twice.
    if (area.range.overlaps(range)) {
      locked -= std::min(area.range.end, range.end) - std::max(area.range.start, range.start);
    }
  }
  if (locked > limits_.locked.raw()) return fail(Errno::NoMemory);
  return set_locked(range, true, (flags & kLockOnFault) == 0);
}

Answer<> Space::munlock(core::VirtAddr address, core::ByteCount length) {
  FB_ASSIGN(const Range range, pages_of(address, length));
  return set_locked(range, false, false);
}

Answer<> Space::mlockall(std::uint32_t flags) {
  const bool current = (flags & kLockCurrent) != 0, future = (flags & kLockFuture) != 0;
  const bool load = (flags & kLockAllOnFault) == 0;
  if ((flags & ~(kLockCurrent | kLockFuture | kLockAllOnFault)) != 0 || (!current && !future)) {
    return fail(Errno::Invalid);
  }
  if (current && areas_.bytes() > limits_.locked.raw()) return fail(Errno::NoMemory);
  lock_future_ = future;
  load_future_ = future && load;
  if (!current) return {};
  FB_TRY(areas_.edit({0, kTop}, [](Area& area) { area.locked = true; }));
  for (std::size_t i = 0; load && i < areas_.view().size(); ++i) populate(areas_.view()[i].range);
  return {};
}

Answer<> Space::munlockall() {
  lock_future_ = load_future_ = false;
  return areas_.edit({0, kTop}, [](Area& area) { area.locked = false; });
}

Answer<> Space::mincore(core::VirtAddr address, std::span<std::byte> pages) {
  if (!address.page_aligned()) return fail(Errno::Invalid);
  std::uint64_t at = address.raw();
  for (std::byte& page : pages) {
    const Area* const area = at < kTop ? areas_.find(at) : nullptr;
    if (area == nullptr) return fail(Errno::NoMemory);
    const bool backed = area->backing && area->backing->present(area->backing_page(at)) != FrameId(0);
    page = std::byte{backed || pages_.find(at >> core::kPageShift) != nullptr};
    at += core::kPageSize;
  }
  return {};
}

Answer<> Space::msync(core::VirtAddr address, core::ByteCount length, std::uint32_t flags) const {
  constexpr std::uint32_t kBoth = kSyncAsync | kSyncSynchronous;
  if ((flags & ~(kBoth | kSyncInvalidate)) != 0 || (flags & kBoth) == kBoth) return fail(Errno::Invalid);
  if (!address.page_aligned()) return fail(Errno::Invalid);
  const Range range{address.raw(), address.raw() + page_up(length.raw())};
  if (range.end < range.start) return fail(Errno::NoMemory);
  std::uint64_t done = range.start;
  bool hole = false;
  for (std::size_t i = areas_.above(done); done < range.end; ++i) {
    if (i == areas_.view().size()) return fail(Errno::NoMemory);
    const Area& area = areas_.view()[i];
    hole = hole || area.range.start > done;
    if (area.range.start >= range.end) break;
    if ((flags & kSyncInvalidate) != 0 && area.locked) return fail(Errno::Busy);
    done = area.range.end;
  }
  if (hole) return fail(Errno::NoMemory);
  return {};
}

}  // namespace fb::libos::posix::mm

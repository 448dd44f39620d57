// mremap.
#include "libos/posix/mm/runs.hpp"
#include "libos/posix/mm/space.hpp"

namespace fb::libos::posix::mm {

Answer<core::VirtAddr> Space::mremap(RemapRequest request) {
  const bool may_move = (request.flags & kRemapMayMove) != 0, fixed = (request.flags & kRemapFixed) != 0;
  const bool keep = (request.flags & kRemapDontUnmap) != 0;
  if ((request.flags & ~(kRemapMayMove | kRemapFixed | kRemapDontUnmap)) != 0) return fail(Errno::Invalid);
  if ((fixed || keep) && !may_move) return fail(Errno::Invalid);
  if (keep && request.old_length != request.new_length) return fail(Errno::Invalid);
  if (!request.address.page_aligned()) return fail(Errno::Invalid);
  const std::uint64_t start = request.address.raw(), length = page_up(request.new_length.raw());
  std::uint64_t old_length = page_up(request.old_length.raw());
  if (length == 0 || length > kTop) return fail(Errno::Invalid);
  const Area* area = start < kTop ? areas_.find(start) : nullptr;
  if (area == nullptr) return fail(Errno::Fault);
  if (old_length > kTop - start) return fail(Errno::Invalid);
  // Of nothing, a second view is made of what is shared.
  if (old_length == 0 && !area->shared) return fail(Errno::Invalid);
  if (fixed) {
    const std::uint64_t to = request.new_address.raw();
    if (!request.new_address.page_aligned() || to > kTop - length) return fail(Errno::Invalid);
    if (Range{to, to + length}.overlaps({start, start + old_length})) return fail(Errno::Invalid);
    if (to < kLowest) return fail(Errno::Perm);
  } else if (!keep && old_length >= length) {
    if (old_length > length)
      FB_TRY(munmap(core::VirtAddr(start + length), core::ByteCount(old_length - length)));
    return request.address;
  }
  const std::uint64_t moved = old_length < length ? old_length : length;
  if (moved > area->range.end - start) return fail(Errno::Fault);
  FB_TRY(check_size(keep ? length : length - moved, *area));
  const Range tail{start + old_length, start + length};
  if (!fixed && !keep && old_length != 0 && tail.start == area->range.end && tail.end <= kTop &&
      areas_.leaves_room(tail)) {
    Area more = *area;
    more.first_page = more.backing ? more.backing_page(tail.start) : 0;
    more.range = tail;
    FB_TRY(areas_.insert(std::move(more)));
    return request.address;
  }
  if (!may_move) return fail(Errno::NoMemory);
  return remap_to(Area(*area), {start, start + old_length}, length, request);
}

Answer<core::VirtAddr> Space::remap_to(const Area& area, Range from, std::uint64_t length,
                                       const RemapRequest& request) {
  // Two areas are cut in two at most and one is made; after this only frames' pages can fail.
  FB_TRY(areas_.make_room(3));
  std::uint64_t to = request.new_address.raw();
  if ((request.flags & kRemapFixed) != 0) {
    FB_TRY(munmap(core::VirtAddr(to), core::ByteCount(length)));
    if (from.size() > length) {
      FB_TRY(munmap(core::VirtAddr(from.start + length), core::ByteCount(from.size() - length)));
      from.end = from.start + length;
    }
  } else {
    const bool hint = (request.flags & kRemapDontUnmap) != 0;
    FB_ASSIGN(to, place({.address = hint ? request.new_address : core::VirtAddr()}, length));
  }
  if (!from.empty()) FB_TRY(move_pages(from, to));
  Area made = area;
  made.range = {to, to + length};
  made.first_page = made.backing ? area.backing_page(from.start) : 0;
  if (!from.empty() && (request.flags & kRemapDontUnmap) == 0) FB_TRY(areas_.remove(from));
  FB_TRY(areas_.insert(std::move(made)));
  return core::VirtAddr(to);
}

Answer<> Space::move_pages(Range from, std::uint64_t to) {
  const std::uint64_t end = from.end >> core::kPageShift;
  const std::uint64_t first = from.start >> core::kPageShift, target = to >> core::kPageShift;
  for (std::uint64_t number = first; const Page* page = pages_.next(number, end); ++number) {
    frames_.share(page->frame);
    if (const auto answer = pages_.insert(target + (number - first), *page); !answer) {
      pages_.remove(target, target + (end - first));
      return fail(answer.error());
    }
  }
  discard(from);
  // Ahead of the faults that would do it. A page that the machine does not take now comes with its fault.
  const std::uint64_t stop = target + (end - first);
  for (std::uint64_t number = target; const Page* page = pages_.next(number, stop); ++number) {
    if (page->access == Access::None) continue;
    if (!mapper_.map(core::VirtAddr(number << core::kPageShift), page->frame, core::PageCount(1),
                     page->access))
      break;
  }
  return {};
}

}  // namespace fb::libos::posix::mm

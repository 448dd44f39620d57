// mmap, munmap, mprotect.
#include <algorithm>

#include "libos/posix/mm/memory.hpp"
#include "libos/posix/mm/space.hpp"

namespace fb::libos::posix::mm {

namespace {

bool has(const MapRequest& request, std::uint32_t flag) { return (request.flags & flag) != 0; }
bool fixed(const MapRequest& request) { return has(request, kMapFixed | kMapFixedNoReplace); }

/// What Linux says about type and protection of a mapping of a file.
Answer<> check_file(const MapRequest& request, bool shared) {
  if (!request.backing) return fail(Errno::BadDescriptor);
  if ((request.flags & kMapType) == kMapSharedValidate && (request.flags & ~kMapKnown) != 0) {
    return fail(Errno::NotSupported);
  }
  const std::uint32_t refused = request.protection & kProtAll & ~request.most;
  if ((refused & kProtExecute) != 0) return fail(Errno::Perm);
  // A private copy may be written however the file was opened, and is read to be made.
  if ((request.most & kProtRead) == 0 || (shared && refused != 0)) return fail(Errno::Access);
  if (has(request, kMapGrowsDown)) return fail(Errno::Invalid);
  return {};
}

}  // namespace

Answer<std::uint64_t> Space::place(const MapRequest& request, std::uint64_t length) const {
  const std::uint64_t address = request.address.raw();
  if (length > kTop) return fail(Errno::NoMemory);
  if (fixed(request)) {
    if (address > kTop - length) return fail(Errno::NoMemory);
    if ((address & core::kPageMask) != 0) return fail(Errno::Invalid);
    if (address < kLowest) return fail(Errno::Perm);
    const bool taken = areas_.covered({address, address + length}) != 0;
    if (taken && has(request, kMapFixedNoReplace)) return fail(Errno::Exists);
    return address;
  }
  if (page_down(address) != 0) {
    const std::uint64_t hint = page_down(address) < kLowest ? kLowest : page_down(address);
    if (hint <= kTop - length && areas_.leaves_room({hint, hint + length})) return hint;
  }
  if (has(request, kMap32Bit)) return areas_.gap(length, {kLowest, std::uint64_t{1} << 31});
  const std::uint64_t base = std::min(page_down(limits_.mmap_base.raw()), kTop);
  if (const auto below = areas_.gap(length, {kLowest, base})) return below;
  return areas_.gap(length, {kLowest, kTop});
}

Answer<Area> Space::describe(const MapRequest& request, std::uint64_t length) {
  const std::uint32_t type = request.flags & kMapType;
  Area area{.protection = request.protection & kProtAll, .grows_down = has(request, kMapGrowsDown)};
  if (has(request, kMapHugeTlb)) return fail(Errno::Invalid);
  if ((request.offset.raw() & core::kPageMask) != 0) return fail(Errno::Invalid);
  area.shared = type == kMapShared || type == kMapSharedValidate;
  if (!area.shared && type != kMapPrivate) return fail(Errno::Invalid);
  if (!has(request, kMapAnonymous)) {
    FB_TRY(check_file(request, area.shared));
    if (request.offset.raw() + length < length) return fail(Errno::Overflow);
    area.backing = request.backing;
    area.first_page = request.offset.raw() >> core::kPageShift;
    area.most = request.most | (area.shared ? 0 : kProtWrite);
    return area;
  }
  if (type == kMapSharedValidate || (area.shared && area.grows_down)) return fail(Errno::Invalid);
  if (area.shared) {
    FB_ASSIGN(area.backing, make_shared<SharedMemory>(frames_, core::PageCount(length >> core::kPageShift)));
  }
  return area;
}

Answer<core::VirtAddr> Space::mmap(const MapRequest& request) {
  const std::uint64_t length = page_up(request.length.raw());
  if (request.length.raw() == 0) return fail(Errno::Invalid);
  if (length == 0) return fail(Errno::NoMemory);
  FB_ASSIGN(const std::uint64_t start, place(request, length));
  FB_ASSIGN(Area area, describe(request, length));
  area.range = {start, start + length};
  const std::uint64_t replaced = areas_.covered(area.range);
  area.locked = has(request, kMapLocked) || lock_future_;
  FB_TRY(check_size(length - replaced, area));
  if (area.backing) FB_TRY(watch(*area.backing));
  // From here on nothing fails, so that what is replaced does not go for nothing.
  FB_TRY(areas_.make_room(replaced != 0 ? 2 : 1));
  const Range range = area.range;
  if (replaced != 0) {
    FB_TRY(areas_.remove(range));
    discard(range);
  }
  FB_TRY(areas_.insert(std::move(area)));
  const bool wanted = has(request, kMapPopulate | kMapLocked) && !has(request, kMapNonBlock);
  if (wanted || load_future_) populate(range);
  return core::VirtAddr(start);
}

Answer<> Space::munmap(core::VirtAddr address, core::ByteCount length) {
  const std::uint64_t start = address.raw();
  if (!address.page_aligned() || start > kTop || length.raw() > kTop - start || length.raw() == 0) {
    return fail(Errno::Invalid);
  }
  const Range range{start, start + page_up(length.raw())};
  FB_TRY(areas_.remove(range));
  discard(range);
  return {};
}

Answer<> Space::mprotect(core::VirtAddr address, core::ByteCount length, std::uint32_t protection) {
  constexpr std::uint32_t kGrows = kProtGrowsDown | kProtGrowsUp;
  constexpr std::uint32_t kKnown = kProtAll | kProtSemaphores | kGrows;
  // No area grows up.
  if ((protection & kGrows) == kGrows || !address.page_aligned()) return fail(Errno::Invalid);
  if (length.raw() == 0) return {};
  Range range{address.raw(), address.raw() + page_up(length.raw())};
  if (range.empty()) return fail(Errno::NoMemory);
  if ((protection & ~kKnown) != 0) return fail(Errno::Invalid);
  if ((protection & kGrows) != 0) {
    const std::size_t at = areas_.above(range.start);
    if (at == areas_.view().size() || areas_.view()[at].range.start >= range.end)
      return fail(Errno::NoMemory);
    const Area& area = areas_.view()[at];
    if (!area.grows_down || (protection & kProtGrowsUp) != 0) return fail(Errno::Invalid);
    range.start = area.range.start;
  }
  auto [end, why] = areas_.protectable(range, protection & kProtAll);
  const Range changed{range.start, end};
  if (changed.empty()) return why;
  FB_TRY(areas_.protect(changed, protection & kProtAll));
  apply(changed, protection & kProtAll);
  return why;
}

}  // namespace fb::libos::posix::mm

// madvise, and pages that go because those behind a mapping do.
#include <algorithm>

#include "libos/posix/mm/space.hpp"

namespace fb::libos::posix::mm {

namespace {

bool known(Advice advice) {
  const auto raw = static_cast<std::uint32_t>(advice);
  return raw <= 4 || (raw >= 8 && raw <= 25);
}

/// What an area of this kind cannot be told. Errors: Invalid, Access.
Answer<> check_advice(const Area& area, Advice advice) {
  switch (advice) {
    case Advice::DontNeed:
    case Advice::Cold:
    case Advice::PageOut:
      return area.locked ? Answer<>(fail(Errno::Invalid)) : Answer<>();
    case Advice::Free:
      if (area.locked || area.shared || area.backing) return fail(Errno::Invalid);
      return {};
    case Advice::WipeOnFork:
      if (area.shared || area.backing) return fail(Errno::Invalid);
      return {};
    case Advice::Remove:
      if (area.locked || !area.backing) return fail(Errno::Invalid);
      if (!area.shared || (area.most & kProtWrite) == 0) return fail(Errno::Access);
      return {};
    default:
      return {};
  }
}

/// What of an area the advice is about; false: nothing.
bool mark(Area& area, Advice advice) {
  switch (advice) {
    case Advice::DontFork:
      area.at_fork = AtFork::Nothing;
      return true;
    case Advice::WipeOnFork:
      area.at_fork = AtFork::Zeros;
      return true;
    case Advice::DoFork:
    case Advice::KeepOnFork:
      area.at_fork = AtFork::Copy;
      return true;
    case Advice::DontDump:
    case Advice::DoDump:
      area.no_dump = advice == Advice::DontDump;
      return true;
    default:
      return false;
  }
}

}  // namespace

Answer<> Space::advise(const Area& area, Range part, Advice advice) {
  FB_TRY(check_advice(area, advice));
  if (Area copy = area; mark(copy, advice)) {
    return areas_.edit(part, [&](Area& each) { static_cast<void>(mark(each, advice)); });
  }
  switch (advice) {
    case Advice::DontNeed:
    case Advice::DontNeedLocked:
    case Advice::Free:
      discard(part);
      return {};
    case Advice::Remove: {
      const Ref<Backing> backing = area.backing;
      const std::uint64_t first = area.backing_page(part.start);
      return backing->punch(first, first + (part.size() >> core::kPageShift));
    }
    case Advice::WillNeed:
      if (area.backing) populate(part);
      return {};
    default:
      return {};
  }
}

Answer<> Space::madvise(core::VirtAddr address, core::ByteCount length, Advice advice) {
  if (!known(advice)) return fail(Errno::Invalid);
  const Range range{address.raw(), address.raw() + page_up(length.raw())};
  if (!address.page_aligned() || (length.raw() != 0 && range.empty())) {
    return fail(Errno::Invalid);
  }
  if (advice == Advice::PopulateRead || advice == Advice::PopulateWrite) {
    return load_all(range, advice == Advice::PopulateRead ? Touch::Read : Touch::Write);
  }
  return advise_areas(range, advice);
}

Answer<> Space::advise_areas(Range range, Advice advice) {
  std::uint64_t done = range.start;
  bool hole = false;
  while (done < range.end) {
    // Found anew each time: advice cuts and joins areas.
    const std::size_t i = areas_.above(done);
    if (i == areas_.view().size() || areas_.view()[i].range.start >= range.end) return fail(Errno::NoMemory);
    const Area& area = areas_.view()[i];
    hole = hole || area.range.start > done;
    const Range part{std::max(area.range.start, done), std::min(area.range.end, range.end)};
    FB_TRY(advise(area, part, advice));
    done = part.end;
  }
  if (hole) return fail(Errno::NoMemory);
  return {};
}

void Space::forget(Backing& backing, std::uint64_t first, std::uint64_t end, bool copies) {
  for (const Area& area : areas_.view()) {
    if (area.backing.get() != &backing) continue;
    const std::uint64_t pages = area.range.size() >> core::kPageShift;
    const std::uint64_t from = first > area.first_page ? first - area.first_page : 0;
    const std::uint64_t stop = end > area.first_page ? std::min(end - area.first_page, pages) : 0;
    if (from >= stop) continue;
    const Range part{area.range.start + (from << core::kPageShift),
                     area.range.start + (stop << core::kPageShift)};
    if (copies || area.shared) {
      discard(part);
      continue;
    }
    std::uint64_t number = part.start >> core::kPageShift;
    for (; const Page* page = pages_.next(number, part.end >> core::kPageShift); ++number) {
      const std::uint64_t at = number << core::kPageShift;
      if (page->frame == backing.present(area.backing_page(at))) discard({at, at + core::kPageSize});
    }
  }
}

}  // namespace fb::libos::posix::mm

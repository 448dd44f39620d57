// The first touch of a page, and what comes with it.
#include <algorithm>
#include <array>
#include <bit>

#include "libos/posix/mm/runs.hpp"
#include "libos/posix/mm/space.hpp"

namespace fb::libos::posix::mm {

Answer<FaultResult> Space::fault_new(const Area& area, std::uint64_t number, Touch touch) {
  const auto frame = load(area, number << core::kPageShift, touch);
  if (!frame && frame.error() != Errno::NoMemory) return FaultResult::Bus;
  if (!frame) return fail(Errno::NoMemory);
  const bool file = area.backing && !area.shared && touch != Touch::Write && frames_.count(*frame) > 1;
  FB_ASSIGN(Page* const page, pages_.insert(number, {.frame = *frame, .shared = area.shared}, file));
  page->access = wanted(*page, area.protection, touch);
  FB_TRY(area.backing ? load_around(area, number, *page) : load_ahead(area, number, *page));
  return FaultResult::Handled;
}

/// Shows the page, and what a file has of those around it: each would cost a fault, and sharing it costs no memory.
Answer<> Space::load_around(const Area& area, std::uint64_t number, const Page& page) {
  const std::uint64_t start = area.range.start >> core::kPageShift, window = number - number % kAround;
  const std::uint64_t first = std::max(window, start);
  const std::uint64_t end = std::min(window + kAround, area.range.end >> core::kPageShift);
  std::array<FrameId, kAround> there{};
  area.backing->present_all(area.first_page + (first - start),
                            std::span(there).subspan(first - window, end - first));
  const Access access = most(area.protection, area.shared);
  // Without memory for it they come when they are touched.
  const std::uint64_t added =
      pages_.add(window, there, {.access = access, .shared = area.shared}, !area.shared).value_or(0);
  there[number - window] = page.frame;
  const bool alike = page.access == access;
  std::uint64_t left = added;
  if (alike) left |= std::uint64_t{1} << (number - window);
  while (left != 0) {
    const auto from = static_cast<std::size_t>(std::countr_zero(left));
    std::size_t to = from + 1;
    while (to < kAround && (left >> to & 1) != 0 && there[to].raw() == there[to - 1].raw() + 1 &&
           Frames::place_of(there[to]).offset != core::PageCount(0))
      ++to;
    left &= ~std::uint64_t{0} << to;
    FB_TRY(mapper_.map(core::VirtAddr((window + from) << core::kPageShift), there[from],
                       core::PageCount(to - from), access));
  }
  if (alike) return {};
  return mapper_.map(core::VirtAddr(number << core::kPageShift), page.frame, core::PageCount(1), page.access);
}

/// Shows the page, and others ahead of it. Whoever has touched the pages below, one after the other, will go on with those
/// above; a stack grows the other way. As many as are there already: at most half of what a program has was not asked for.
Answer<> Space::load_ahead(const Area& area, std::uint64_t number, const Page& page) {
  MapRuns runs(mapper_);
  FB_TRY(runs.add(number, page.frame, page.access));
  const std::uint64_t first = area.range.start >> core::kPageShift, end = area.range.end >> core::kPageShift;
  const bool down = area.grows_down;
  const std::uint64_t most_there = std::min(kAround - 1, down ? end - number - 1 : number - first);
  std::uint64_t run = 0;
  while (run < most_there && pages_.find(down ? number + run + 1 : number - run - 1) != nullptr) ++run;
  // Two may be chance; and what is scarce is not for guesses.
  if (run < 2 || frames_.limit() - frames_.used() < frames_.limit() / 16) run = 0;
  const Access access = most(area.protection, true);
  for (std::uint64_t i = 1; i <= run; ++i) {
    const std::uint64_t at = down ? number - i : number + i;
    // Of the table that the machine has now: no page that is not asked for costs one more.
    if (at < first || at >= end || (at ^ number) >= kTablePages || pages_.find(at) != nullptr) break;
    const auto frame = frames_.allocate();
    if (!frame || !pages_.insert(at, {.frame = *frame, .access = access})) break;
    FB_TRY(runs.add(at, *frame, access));
  }
  return runs.finish();
}

/// After a fork, all that could be written before faults again: its neighbours need not, if nobody has them besides.
void Space::write_around(const Area& area, std::uint64_t number) {
  if (most(area.protection, true) != Access::ReadWrite) return;
  const std::uint64_t window = number - number % kAround;
  Runs runs(mapper_);
  pages_.each(std::max(window, area.range.start >> core::kPageShift),
              std::min(window + kAround, area.range.end >> core::kPageShift),
              [&](std::uint64_t at, Page& page) {
                if (page.access != Access::Read || page.shared || frames_.count(page.frame) != 1) return;
                runs.add(at, Access::ReadWrite);
                page.access = Access::ReadWrite;
              });
  runs.finish();
}

}  // namespace fb::libos::posix::mm

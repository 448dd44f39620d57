#include "libos/posix/mm/space.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "libos/posix/mm/runs.hpp"

namespace fb::libos::posix::mm {

Space::Space(Frames& frames, Mapper& mapper, const Limits& limits)
    : frames_(frames), mapper_(mapper), limits_(limits), pages_(frames) {}

Space::Space(Space&& other) noexcept
    : frames_(other.frames_),
      mapper_(other.mapper_),
      limits_(other.limits_),
      areas_(std::move(other.areas_)),
      pages_(std::move(other.pages_)),
      brk_start_(std::exchange(other.brk_start_, 0)),
      brk_(std::exchange(other.brk_, 0)),
      start_(std::exchange(other.start_, {})),
      barriers_(other.barriers_),
      lock_future_(other.lock_future_),
      load_future_(other.load_future_) {
  other.areas_.clear();
  while (View* const view = other.views_.pop_front()) {
    view->space = this;
    views_.push_back(*view);
  }
}

void Space::clear() {
  discard({0, kTop});
  while (View* const view = views_.front()) unwatch(*view);
  areas_.clear();
  brk_start_ = brk_ = 0;
  start_ = {};
  lock_future_ = load_future_ = false;
  barriers_ = 0;
}

namespace {

/// What RLIMIT_DATA counts: private memory that may be written, but for stacks.
bool data(const Area& area) {
  return !area.shared && !area.grows_down && (area.protection & kProtWrite) != 0;
}

bool fits(std::uint64_t more, std::uint64_t used, core::ByteCount limit) {
  return used <= limit.raw() && more <= limit.raw() - used;
}

}  // namespace

Answer<> Space::check_size(std::uint64_t more, const Area& area) const {
  constexpr core::ByteCount kUnlimited{~std::uint64_t{0}};
  const auto sum = [&](auto counts) {
    std::uint64_t bytes = 0;
    for (const Area& each : areas_.view()) bytes += counts(each) ? each.range.size() : 0;
    return bytes;
  };
  if (!fits(more, areas_.bytes(), limits_.address_space)) return fail(Errno::NoMemory);
  if (area.locked && limits_.locked != kUnlimited &&
      !fits(more, sum([](const Area& each) { return each.locked; }), limits_.locked)) {
    return fail(Errno::TryAgain);
  }
  if (data(area) && limits_.data != kUnlimited && !fits(more, sum(data), limits_.data)) {
    return fail(Errno::NoMemory);
  }
  return {};
}

Answer<> Space::watch(Backing& backing) {
  for (const View& view : backing.views_) {
    if (view.space == this) return {};
  }
  auto* const view = new (std::nothrow) View{.space = this, .backing = &backing};
  if (view == nullptr) return fail(Errno::NoMemory);
  views_.push_back(*view);
  backing.views_.push_back(*view);
  return {};
}

void Space::unwatch(View& view) {
  views_.remove(view);
  view.backing->views_.remove(view);
  delete &view;
}

void Space::discard(Range range) {
  const std::uint64_t first = range.start >> core::kPageShift, end = range.end >> core::kPageShift;
  Runs runs(mapper_);
  bool mapped = false;
  pages_.each(first, end, [&](std::uint64_t number, const Page& page) {
    if (page.access == Access::None) return;
    runs.add(number, Access::None);
    mapped = true;
  });
  runs.finish();
  // Before another can get the frames, no CPU may reach them from here.
  if (mapped) settle();
  pages_.remove(first, end);
}

Access Space::best(const Page& page, std::uint32_t protection) const {
  return most(protection, page.shared || frames_.count(page.frame) == 1);
}

Access Space::most(std::uint32_t protection, bool alone) {
  const bool execute = (protection & kProtExecute) != 0, write = (protection & kProtWrite) != 0;
  if (protection == kProtNone) return Access::None;
  if (execute) return write ? Access::Read : Access::ReadExecute;
  return write && alone ? Access::ReadWrite : Access::Read;
}

void Space::apply(Range range, std::uint32_t protection) {
  Runs runs(mapper_);
  pages_.each(range.start >> core::kPageShift, range.end >> core::kPageShift,
              [&](std::uint64_t number, Page& page) {
                const Access access = best(page, protection);
                // What is not mapped stays so until it is touched.
                if (page.access == Access::None || page.access == access) return;
                runs.add(number, access);
                page.access = access;
              });
  runs.finish();
  settle();
}

/// The child has a frame of its own now instead of the parent's.
bool Space::copied(Page& page, Page& child) const {
  const auto copy = frames_.copy(page.frame);
  if (!copy) return false;
  frames_.release(std::exchange(child.frame, *copy));
  return true;
}

Answer<> Space::share_with(Space& child, std::span<const core::VirtAddr> written) {
  const auto soon = [&](std::uint64_t number) {
    return std::ranges::any_of(written,
                               [&](auto address) { return address.raw() >> core::kPageShift == number; });
  };
  Runs runs(mapper_);
  Answer<> answer;
  for (const Area& area : areas_.view()) {
    // The child gets shared pages from where this got them.
    if (area.shared || area.at_fork != AtFork::Copy) continue;
    answer = pages_.share_with(
        child.pages_, area.range.start >> core::kPageShift, area.range.end >> core::kPageShift,
        [&](std::uint64_t number, Page& page, Page& its) {
          if (page.access != Access::ReadWrite) return;
          if (soon(number) && copied(page, its)) {
            its.access = Access::ReadWrite;
            static_cast<void>(child.mapper_.map(core::VirtAddr(number << core::kPageShift), its.frame,
                                                core::PageCount(1), its.access));
            return;
          }
          runs.add(number, Access::Read);
          page.access = Access::Read;
        });
    if (!answer) break;
  }
  runs.finish();
  settle();
  return answer;
}

Answer<Space> Space::fork(Mapper& mapper, std::span<const core::VirtAddr> written) {
  Space child(frames_, mapper, limits_);
  FB_TRY(areas_.copy_to(child.areas_));
  for (View& view : views_) FB_TRY(child.watch(*view.backing));
  child.brk_start_ = brk_start_;
  child.brk_ = brk_;
  child.start_ = start_;
  child.barriers_ = barriers_;
  FB_TRY(share_with(child, written));
  return child;
}

void Space::set_brk(core::VirtAddr start) { brk_start_ = brk_ = start.raw(); }

core::VirtAddr Space::brk(core::VirtAddr address) {
  const core::VirtAddr old(brk_);
  if (address.raw() < brk_start_ || address.raw() > kTop) return old;
  const std::uint64_t from = page_up(brk_), to = page_up(address.raw());
  if (to < from) {
    if (!areas_.remove({to, from})) return old;
    discard({to, from});
  } else if (to > from) {
    if (address.raw() - brk_start_ > limits_.data.raw() || to > kTop - core::kPageSize) return old;
    Area more{.range = {from, to}, .protection = kProtRead | kProtWrite, .locked = lock_future_};
    if (!areas_.leaves_room({from, to + core::kPageSize}) || !check_size(to - from, more)) return old;
    if (!areas_.insert(std::move(more))) return old;
    if (load_future_) populate({from, to});
  }
  brk_ = address.raw();
  return address;
}

}  // namespace fb::libos::posix::mm

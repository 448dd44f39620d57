#include "libos/posix/mm/space.hpp"

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
  const std::uint64_t end = range.end >> core::kPageShift;
  std::uint64_t number = range.start >> core::kPageShift;
  Runs runs(mapper_);
  bool mapped = false;
  for (; const Page* page = pages_.next(number, end); ++number) {
    if (page->access == Access::None) continue;
    runs.add(number, Access::None);
    mapped = true;
  }
  runs.finish();
  // Before another can get the frames, no CPU may reach them from here.
  if (mapped) settle();
  pages_.remove(range.start >> core::kPageShift, end);
}

Access Space::best(const Page& page, std::uint32_t protection) const {
  const bool execute = (protection & kProtExecute) != 0;
  const bool write = (protection & kProtWrite) != 0 && (page.shared || frames_.count(page.frame) == 1);
  if (protection == kProtNone) return Access::None;
  if (execute) return (protection & kProtWrite) != 0 ? Access::Read : Access::ReadExecute;
  return write ? Access::ReadWrite : Access::Read;
}

void Space::apply(Range range, std::uint32_t protection) {
  const std::uint64_t end = range.end >> core::kPageShift;
  std::uint64_t number = range.start >> core::kPageShift;
  Runs runs(mapper_);
  for (; Page* page = pages_.next(number, end); ++number) {
    const Access access = best(*page, protection);
    // What is not mapped stays so until it is touched.
    if (page->access == Access::None || page->access == access) continue;
    runs.add(number, access);
    page->access = access;
  }
  runs.finish();
  settle();
}

Answer<> Space::share_with(Space& child) {
  Runs runs(mapper_);
  Answer<> answer;
  for (const Area& area : areas_.view()) {
    // The child gets shared pages from where this got them.
    if (area.shared || area.at_fork != AtFork::Copy) continue;
    const std::uint64_t end = area.range.end >> core::kPageShift;
    std::uint64_t number = area.range.start >> core::kPageShift;
    for (; Page* page = pages_.next(number, end); ++number) {
      if (page->access == Access::ReadWrite) {
        runs.add(number, Access::Read);
        page->access = Access::Read;
      }
      frames_.share(page->frame);
      answer = child.pages_.insert(number, {.frame = page->frame, .access = Access::None, .shared = false});
      if (!answer) break;
    }
    if (!answer) break;
  }
  runs.finish();
  settle();
  return answer;
}

Answer<Space> Space::fork(Mapper& mapper) {
  Space child(frames_, mapper, limits_);
  FB_TRY(areas_.copy_to(child.areas_));
  for (View& view : views_) FB_TRY(child.watch(*view.backing));
  child.brk_start_ = brk_start_;
  child.brk_ = brk_;
  child.start_ = start_;
  child.barriers_ = barriers_;
  FB_TRY(share_with(child));
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

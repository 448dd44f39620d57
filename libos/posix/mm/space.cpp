#include "libos/posix/mm/space.hpp"

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
      start_(std::exchange(other.start_, {})) {
  other.areas_.clear();
}

void Space::clear() {
  discard({0, kTop});
  areas_.clear();
  brk_start_ = brk_ = 0;
  start_ = {};
}

Answer<> Space::check_size(std::uint64_t more) const {
  const std::uint64_t most = limits_.address_space.raw();
  if (areas_.bytes() > most || more > most - areas_.bytes()) return fail(Errno::NoMemory);
  return {};
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
  std::uint64_t number = 0;
  for (; Page* page = pages_.next(number, kTop >> core::kPageShift); ++number) {
    // The child gets shared pages from where this got them.
    if (page->shared) continue;
    if (page->access == Access::ReadWrite) {
      runs.add(number, Access::Read);
      page->access = Access::Read;
    }
    frames_.share(page->frame);
    answer = child.pages_.insert(number, {.frame = page->frame, .access = Access::None, .shared = false});
    if (!answer) break;
  }
  runs.finish();
  settle();
  return answer;
}

Answer<Space> Space::fork(Mapper& mapper) {
  Space child(frames_, mapper, limits_);
  FB_TRY(areas_.copy_to(child.areas_));
  child.brk_start_ = brk_start_;
  child.brk_ = brk_;
  child.start_ = start_;
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
    if (!areas_.leaves_room({from, to + core::kPageSize}) || !check_size(to - from)) return old;
    if (!areas_.insert({.range = {from, to}, .protection = kProtRead | kProtWrite})) return old;
  }
  brk_ = address.raw();
  return address;
}

}  // namespace fb::libos::posix::mm

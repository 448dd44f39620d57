// Which pages of a virtual range are free: first fit over a sorted, bounded table.
#pragma once

#include <array>
#include <cstddef>

#include "core/result.hpp"
#include "core/types.hpp"

namespace fb::libos::rt {

/// A run of pages, `start` page-aligned.
struct PageRange {
  core::VirtAddr start;
  core::PageCount count;
  [[nodiscard]] constexpr core::VirtAddr end() const { return start + core::bytes_of(count); }
};

/// Addresses only: maps nothing, needs no memory. Not for concurrent use. At most kCapacity holes.
template <std::size_t kCapacity = 256>
class RangeAllocator {
 public:
  constexpr explicit RangeAllocator(PageRange all) {
    if (all.count.raw() != 0) free_[used_++] = all;
  }

  /// The lowest run of `count` pages whose start is a multiple of `alignment` pages (a power of two). Errors:
  /// BadArgument (count is 0, alignment is none), NoMemory (no such run), Limit (too many holes).
  core::Result<PageRange> take(core::PageCount count, core::PageCount alignment = core::PageCount(1)) {
    const std::uint64_t step = alignment.raw();
    if (count.raw() == 0 || step == 0 || (step & (step - 1)) != 0)
      return core::fail(core::Error::BadArgument);
    const std::uint64_t mask = step * core::kPageSize - 1;
    for (std::size_t i = 0; i != used_; ++i) {
      const std::uint64_t begin = free_[i].start.raw();
      const std::uint64_t start = (begin + mask) & ~mask;
      const std::uint64_t skipped = (start - begin) >> core::kPageShift;
      if (start < begin || skipped >= free_[i].count.raw()) continue;
      if (free_[i].count.raw() - skipped < count.raw()) continue;
      const PageRange taken{core::VirtAddr(start), count};
      FB_TRY(carve(i, taken));
      return taken;
    }
    return core::fail(core::Error::NoMemory);
  }

  /// Gives back what take() returned. Errors: BadArgument (a page of it is free already), Limit (too many holes:
  /// the run stays taken).
  core::Result<> give(PageRange range) {
    std::size_t at = 0;
    while (at != used_ && free_[at].start < range.start) ++at;
    const bool overlaps =
        (at != 0 && free_[at - 1].end() > range.start) || (at != used_ && free_[at].start < range.end());
    if (overlaps || range.count.raw() == 0) return core::fail(core::Error::BadArgument);
    const bool before = at != 0 && free_[at - 1].end() == range.start;
    const bool after = at != used_ && free_[at].start == range.end();
    if (before && after) {
      free_[at - 1].count += range.count + free_[at].count;
      remove(at);
    } else if (before) {
      free_[at - 1].count += range.count;
    } else if (after) {
      free_[at] = {range.start, range.count + free_[at].count};
    } else {
      return insert(at, range);
    }
    return {};
  }

  [[nodiscard]] constexpr std::size_t holes() const { return used_; }
  [[nodiscard]] constexpr core::PageCount free_pages() const {
    core::PageCount sum;
    for (std::size_t i = 0; i != used_; ++i) sum += free_[i].count;
    return sum;
  }

 private:
  core::Result<> carve(std::size_t i, PageRange taken) {
    const PageRange hole = free_[i];
    const core::PageCount left(core::VirtAddr(taken.start.raw() - hole.start.raw()).raw() >>
                               core::kPageShift);
    const core::PageCount right(hole.count.raw() - left.raw() - taken.count.raw());
    if (left.raw() != 0 && right.raw() != 0) FB_TRY(insert(i + 1, {taken.end(), right}));
    if (left.raw() != 0) {
      free_[i].count = left;
    } else if (right.raw() != 0) {
      free_[i] = {taken.end(), right};
    } else {
      remove(i);
    }
    return {};
  }
  core::Result<> insert(std::size_t at, PageRange range) {
    if (used_ == kCapacity) return core::fail(core::Error::Limit);
    for (std::size_t i = used_++; i != at; --i) free_[i] = free_[i - 1];
    free_[at] = range;
    return {};
  }
  void remove(std::size_t at) {
    --used_;
    for (std::size_t i = at; i != used_; ++i) free_[i] = free_[i + 1];
  }

  std::array<PageRange, kCapacity> free_{};
  std::size_t used_{};
};

}  // namespace fb::libos::rt

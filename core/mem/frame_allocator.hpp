// Physical memory: a binary buddy allocator over the frame array.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/mem/frame.hpp"
#include "core/result.hpp"
#include "core/spin.hpp"
#include "core/types.hpp"

namespace fb::core::mem {

/// Allocates and frees contiguous runs of frames (C1.02, C2.01, C2.02). Blocks of 2^k frames, aligned to
/// their size, as in Knowlton, "A fast storage allocator", CACM 8(10), 1965. Per power-of-two block every
/// operation is O(log n); any run is at most 2 log n blocks. Contents are never touched: the caller zeroes.
///
/// Besides the free lists there is a tree, one bit per block of every size (`Frame::holes`): not all of the
/// block is allocated. It finds the free of a free frame without a scan. Invariants while the lock is free:
///  - a frame with `order != kNoOrder` is the first of a free block, and is in the list of that order;
///  - no two buddies are free: they would be one block;
///  - strictly inside a free block every bit is clear, so that it can be handed out whole without a visit;
///  - elsewhere a block's bit is set exactly when a frame in it is free or was never added.
///
/// Thread-safe: each public function takes the lock for all its work.
template <Lockable Lock>
class FrameAllocator {
 public:
  static constexpr unsigned kMaxOrder = 18;
  /// The longest run: 1 GiB.
  static constexpr PageCount kLargestRun{std::uint64_t{1} << kMaxOrder};

  /// Takes over `frames` (element i describes frame number i) and resets every one; all are Reserved until
  /// added. Frames past kMaxPhysical are ignored.
  FrameAllocator(std::span<Frame> frames, Lock& lock)
      : frames_(frames.first(std::min(frames.size(), kMaxFrames))), lock_(lock) {
    heads_.fill(kNoFrame);
    std::fill(frames_.begin(), frames_.end(), Frame{});
  }
  FrameAllocator(const FrameAllocator&) = delete;
  FrameAllocator& operator=(const FrameAllocator&) = delete;

  /// Makes usable memory available, at boot: O(count).
  /// BadRange, and no change: not within the array, or added before.
  Result<> add_range(FrameNumber first, PageCount count) {
    const Guard guard(lock_);
    if (!in_array(first, count)) return fail(Error::BadRange);
    for (const Frame& frame : frames_.subspan(first.raw(), count.raw())) {
      if ((frame.holes & kForeign) == 0) return fail(Error::BadRange);
    }
    for_each_block(first, count, [&](std::uint32_t block, unsigned order) {
      for (std::uint32_t i = 1; i < size_of(order); ++i) frames_[block + i].holes = 0;
      frames_[block].holes &= ~(kForeign | (bit(order + 1) - 1));
      release(block, order);
      return true;
    });
    total_ += count;
    free_ += count;
    return {};
  }

  /// A contiguous run of `count` frames, aligned to the next power of two of `count`; the frames past `count`
  /// stay free. The first frame's descriptor is reset, to state Kernel; the others' are as they were left.
  /// BadArgument: none asked for. Limit: more than kLargestRun. NoMemory: no such run is free.
  Result<FrameNumber> allocate(PageCount count) {
    if (count == PageCount(0)) return fail(Error::BadArgument);
    if (count > kLargestRun) return fail(Error::Limit);
    const auto order = static_cast<unsigned>(std::bit_width(count.raw() - 1));
    const Guard guard(lock_);
    const std::uint32_t orders = nonempty_ & ~(bit(order) - 1);
    if (orders == 0) return fail(Error::NoMemory);
    const std::uint32_t first = take(static_cast<unsigned>(std::countr_zero(orders)), order);
    const PageCount tail = PageCount(size_of(order)) - count;
    for_each_block(FrameNumber(first + count.raw()), tail, [&](std::uint32_t block, unsigned block_order) {
      release(block, block_order);
      return true;
    });
    free_ -= count;
    return FrameNumber(first);
  }

  /// Gives back allocated frames: a run, a part of one, or neighbouring ones together.
  /// BadArgument: none given. BadRange, and no change: a frame of them is free already or was never added.
  Result<> free(FrameNumber first, PageCount count) {
    if (count == PageCount(0)) return fail(Error::BadArgument);
    const Guard guard(lock_);
    if (!in_array(first, count)) return fail(Error::BadRange);
    const auto allocated = [&](std::uint32_t block, unsigned order) { return is_allocated(block, order); };
    if (!for_each_block(first, count, allocated)) return fail(Error::BadRange);
    for_each_block(first, count, [&](std::uint32_t block, unsigned order) {
      release(block, order);
      return true;
    });
    free_ += count;
    return {};
  }

  [[nodiscard]] PageCount free_pages() const {
    const Guard guard(lock_);
    return free_;
  }
  [[nodiscard]] PageCount total_pages() const {
    const Guard guard(lock_);
    return total_;
  }
  /// The largest count that `allocate` would serve now; 0 when nothing is free.
  [[nodiscard]] PageCount largest_free_run() const {
    const Guard guard(lock_);
    return PageCount(std::bit_floor(nonempty_));  // bit k of nonempty_ stands for runs of exactly 2^k frames
  }

 private:
  static constexpr std::uint32_t bit(unsigned order) { return std::uint32_t{1} << order; }
  static constexpr std::uint32_t size_of(unsigned order) { return bit(order); }
  /// In `Frame::holes`, above every order: the frame was never added.
  static constexpr std::uint32_t kForeign = bit(31);

  [[nodiscard]] bool in_array(FrameNumber first, PageCount count) const {
    return first.raw() < frames_.size() && count.raw() <= frames_.size() - first.raw();
  }

  /// Calls `visit(first, order)` for the largest aligned blocks that make up a run, until it returns false.
  template <class Visit>
  static bool for_each_block(FrameNumber first, PageCount count, Visit visit) {
    auto at = static_cast<std::uint32_t>(first.raw());
    auto left = static_cast<std::uint32_t>(count.raw());
    while (left != 0) {
      const auto alignment = static_cast<unsigned>(std::countr_zero(at | bit(kMaxOrder)));
      const unsigned order = std::min(alignment, static_cast<unsigned>(std::bit_width(left)) - 1);
      if (!visit(at, order)) return false;
      at += size_of(order);
      left -= size_of(order);
    }
    return true;
  }

  /// No frame of the block is free or foreign. A block inside a free one has a clear bit too; there the first
  /// set bit on the way up is that free block's own.
  [[nodiscard]] bool is_allocated(std::uint32_t first, unsigned order) const {
    if ((frames_[first].holes & bit(order)) != 0) return false;
    while (order < kMaxOrder) {
      first &= ~bit(order++);
      if ((frames_[first].holes & bit(order)) != 0) return frames_[first].order != order;
    }
    return true;
  }

  /// Hands out the first 2^order frames of a free block of order `from`; the rest stays free.
  std::uint32_t take(unsigned from, unsigned order) {
    const std::uint32_t first = heads_[from];
    unlink(first, from);
    Frame& frame = frames_[first];
    // Every larger block that begins here now holds a free half; `from` already says so.
    frame.holes |= bit(from) - bit(order);
    for (unsigned half = from; half-- > order;) {
      link(first + size_of(half), half);
      frames_[first + size_of(half)].holes |= bit(half);
    }
    const std::uint32_t holes = frame.holes;
    frame = Frame{.holes = holes, .state = FrameState::Kernel};
    mark_allocated(first, order);
    return first;
  }

  /// Clears the bit of a block that has become wholly allocated, and of those around it that this completes.
  void mark_allocated(std::uint32_t first, unsigned order) {
    frames_[first].holes &= ~bit(order);
    while (order < kMaxOrder) {
      const std::uint32_t buddy = first ^ bit(order);
      if (buddy >= frames_.size() || (frames_[buddy].holes & bit(order)) != 0) return;
      first &= ~bit(order++);
      frames_[first].holes &= ~bit(order);
    }
  }

  /// Frees a wholly allocated block and merges it with free buddies.
  void release(std::uint32_t first, unsigned order) {
    while (order < kMaxOrder) {
      const std::uint32_t buddy = first ^ bit(order);
      if (buddy >= frames_.size() || frames_[buddy].order != order) break;
      unlink(buddy, order);
      frames_[buddy].holes &= ~bit(order);
      first &= ~bit(order++);
      frames_[first].holes &= ~bit(order);
    }
    link(first, order);
    // A set bit means that every bit above it is set as well.
    while ((frames_[first].holes & bit(order)) == 0) {
      frames_[first].holes |= bit(order);
      if (order == kMaxOrder) break;
      first &= ~bit(order++);
    }
  }

  void link(std::uint32_t first, unsigned order) {
    Frame& frame = frames_[first];
    const std::uint32_t next = heads_[order];
    frame.next = next;
    frame.prev = kNoFrame;
    frame.order = static_cast<std::uint8_t>(order);
    frame.state = FrameState::Free;
    if (next != kNoFrame) frames_[next].prev = first;
    heads_[order] = first;
    nonempty_ |= bit(order);
  }

  void unlink(std::uint32_t first, unsigned order) {
    Frame& frame = frames_[first];
    if (frame.next != kNoFrame) frames_[frame.next].prev = frame.prev;
    if (frame.prev != kNoFrame) {
      frames_[frame.prev].next = frame.next;
    } else {
      heads_[order] = frame.next;
      if (frame.next == kNoFrame) nonempty_ &= ~bit(order);
    }
    frame.order = kNoOrder;
  }

  std::span<Frame> frames_;
  Lock& lock_;
  std::array<std::uint32_t, kMaxOrder + 1> heads_{};
  std::uint32_t nonempty_ = 0;  ///< bit k: list k is not empty
  PageCount free_;
  PageCount total_;
};

}  // namespace fb::core::mem

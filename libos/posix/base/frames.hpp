// The page frames of an instance, counted: what files and memory areas share, copy on write and give back.
#pragma once

#include <cstddef>
#include <span>

#include "core/types.hpp"
#include "libos/posix/base/vector.hpp"

namespace fb::libos::posix {

/// One frame; 0 is none.
using FrameId = core::Strong<struct FrameIdTag, std::uint32_t>;

/// Memory in runs of kRunPages pages, seen here through a window at `bytes`. The instance's is Pages objects; a test's
/// is an array.
class FrameSource {
 public:
  static constexpr std::uint32_t kRunPages = 512;
  FrameSource() = default;
  FrameSource(const FrameSource&) = delete;
  FrameSource& operator=(const FrameSource&) = delete;
  /// A further run, zeroed; runs are numbered from 0 in the order they come and live as long as this. Errors: NoMemory.
  virtual Answer<std::byte*> grow() = 0;

 protected:
  ~FrameSource() = default;
};

/// Frames are handed out zeroed with a count of 1, and come back when the count is 0. Not for concurrent use: the memory
/// lock is held.
class Frames {
 public:
  /// Takes at most `limit` frames from `source`, which outlives it.
  Frames(FrameSource& source, std::uint32_t limit) : source_(source), limit_(limit) {}

  /// Errors: NoMemory.
  Answer<FrameId> allocate();
  /// A frame with the same bytes. Errors: NoMemory.
  Answer<FrameId> copy(FrameId frame);
  void share(FrameId frame) { ++entry(frame).count; }
  void release(FrameId frame);
  [[nodiscard]] std::uint32_t count(FrameId frame) const { return entries_[frame.raw() - 1].count; }

  [[nodiscard]] std::span<std::byte, core::kPageSize> bytes(FrameId frame) {
    const auto number = frame.raw() - 1;
    auto* run = runs_[number / FrameSource::kRunPages];
    return std::span<std::byte, core::kPageSize>(run + number % FrameSource::kRunPages * core::kPageSize,
                                                 core::kPageSize);
  }
  /// Which run, and which page of it: for mapping.
  struct Place {
    std::uint32_t run;
    core::PageCount offset;
  };
  [[nodiscard]] static constexpr Place place_of(FrameId frame) {
    const auto number = frame.raw() - 1;
    return {number / FrameSource::kRunPages, core::PageCount(number % FrameSource::kRunPages)};
  }

  [[nodiscard]] std::uint32_t used() const { return used_; }
  [[nodiscard]] std::uint32_t limit() const { return limit_; }
  /// Taken from the source, and used by nobody now.
  [[nodiscard]] std::uint32_t idle() const { return static_cast<std::uint32_t>(entries_.size()) - used_; }

 private:
  struct Entry {
    std::uint32_t count = 0;
    FrameId next_free{};
  };
  Entry& entry(FrameId frame) { return entries_[frame.raw() - 1]; }
  Answer<> grow();

  FrameSource& source_;
  std::uint32_t limit_, used_ = 0;
  FrameId free_{};
  Vector<std::byte*> runs_;
  Vector<Entry> entries_;
};

}  // namespace fb::libos::posix

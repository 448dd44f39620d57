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
  /// Run `run`, zeroed: the lowest number that there is none of. It lives until it is given back. Errors: NoMemory.
  virtual Answer<std::byte*> grow(std::uint32_t run) = 0;
  /// Nobody has a frame of this run any more.
  virtual void give_back(std::uint32_t run) = 0;

 protected:
  ~FrameSource() = default;
};

/// Frames have a count of 1 when they are handed out, and come back when it is 0. The lowest run that has room is used
/// first, so that the others get empty; those go back to the source but for kSpareRuns. Not for concurrent use: the
/// memory lock is held.
class Frames {
 public:
  static constexpr std::uint32_t kSpareRuns = 2;

  /// Takes at most `limit` frames from `source`, which outlives it.
  Frames(FrameSource& source, std::uint32_t limit) : source_(source), limit_(limit) {}

  /// Zeroed. Errors: NoMemory.
  Answer<FrameId> allocate();
  /// With the bytes of whoever had it last: for who writes all of it. Errors: NoMemory.
  Answer<FrameId> allocate_raw();
  /// A frame with the same bytes. Errors: NoMemory.
  Answer<FrameId> copy(FrameId frame);
  void share(FrameId frame) { ++entry(frame).count; }
  void release(FrameId frame) {
    if (--entry(frame).count == 0) take_back(frame);
  }
  [[nodiscard]] std::uint32_t count(FrameId frame) const { return entries_[frame.raw() - 1].count; }

  [[nodiscard]] std::span<std::byte, core::kPageSize> bytes(FrameId frame) {
    const auto number = frame.raw() - 1;
    auto* run = runs_[number / FrameSource::kRunPages].bytes;
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
  [[nodiscard]] std::uint32_t idle() const { return there_ * FrameSource::kRunPages - used_; }

 private:
  struct Entry {
    std::uint32_t count = 0;
    FrameId next_free{};
  };
  struct Run {
    std::byte* bytes = nullptr;  ///< null: it is not there
    FrameId free{};              ///< the first of those that came back
    std::uint32_t used = 0;
    std::uint32_t touched = 0;  ///< those behind have never been handed out, and are zero

    [[nodiscard]] bool room() const { return bytes != nullptr && used != FrameSource::kRunPages; }
  };
  Entry& entry(FrameId frame) { return entries_[frame.raw() - 1]; }
  /// The first run with room, which is made if need be. Errors: NoMemory.
  Answer<Run*> find_room();
  Answer<> grow();
  FrameId take(Run& run, bool fresh);
  void take_back(FrameId frame);

  FrameSource& source_;
  std::uint32_t limit_, used_ = 0;
  std::uint32_t first_ = 0;              ///< no run below has room
  std::uint32_t there_ = 0, empty_ = 0;  ///< runs, and those that nobody uses
  Vector<Run> runs_;
  Vector<Entry> entries_;  ///< of all runs, also of those that are not there
};

}  // namespace fb::libos::posix

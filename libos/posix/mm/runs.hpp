// Neighbouring pages that want the same of the machine, gathered into one request.
#pragma once

#include <cstdint>

#include "libos/posix/mm/mapper.hpp"

namespace fb::libos::posix::mm {

/// finish() makes the last request.
class Runs {
 public:
  explicit Runs(Mapper& mapper) : mapper_(mapper) {}

  /// Access::None unmaps.
  void add(std::uint64_t number, Access access) {
    if (number != first_ + count_ || access != access_) {
      finish();
      first_ = number;
      access_ = access;
    }
    ++count_;
  }
  void finish() {
    if (count_ == 0) return;
    const core::VirtAddr address(first_ << core::kPageShift);
    if (access_ == Access::None) {
      mapper_.unmap(address, core::PageCount(count_));
    } else {
      mapper_.protect(address, core::PageCount(count_), access_);
    }
    count_ = 0;
  }

 private:
  Mapper& mapper_;
  std::uint64_t first_ = 0, count_ = 0;
  Access access_ = Access::None;
};

/// The same for pages that are to be mapped, whose frames follow each other. finish() makes the last request.
class MapRuns {
 public:
  explicit MapRuns(Mapper& mapper) : mapper_(mapper) {}

  /// Errors: NoMemory.
  Answer<> add(std::uint64_t number, FrameId frame, Access access) {
    const bool follows = number == first_ + count_ && frame.raw() == frame_.raw() + count_ &&
                         access == access_ && Frames::place_of(frame).offset != core::PageCount(0);
    if (!follows) {
      FB_TRY(finish());
      first_ = number;
      frame_ = frame;
      access_ = access;
    }
    ++count_;
    return {};
  }
  /// Errors: NoMemory.
  Answer<> finish() {
    const core::PageCount count(std::exchange(count_, 0));
    if (count == core::PageCount(0)) return {};
    return mapper_.map(core::VirtAddr(first_ << core::kPageShift), frame_, count, access_);
  }

 private:
  Mapper& mapper_;
  std::uint64_t first_ = 0;
  FrameId frame_{};
  std::uint32_t count_ = 0;
  Access access_ = Access::None;
};

}  // namespace fb::libos::posix::mm

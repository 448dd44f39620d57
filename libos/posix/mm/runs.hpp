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

}  // namespace fb::libos::posix::mm

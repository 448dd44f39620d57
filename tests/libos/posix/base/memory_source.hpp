// Frames of a test: runs from the heap, at most so many.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "libos/posix/base/frames.hpp"

namespace fb::libos::posix::test {

class MemorySource final : public FrameSource {
 public:
  explicit MemorySource(std::size_t most_runs = 64) : most_(most_runs) {}
  Answer<std::byte*> grow() override {
    if (runs_.size() == most_) return fail(Errno::NoMemory);
    return runs_.emplace_back(std::make_unique<Run>())->data();
  }

 private:
  using Run = std::array<std::byte, kRunPages * core::kPageSize>;
  std::size_t most_;
  std::vector<std::unique_ptr<Run>> runs_;
};

}  // namespace fb::libos::posix::test

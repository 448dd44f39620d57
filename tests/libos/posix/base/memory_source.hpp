// Frames of a test: runs from the heap, at most so many.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "libos/posix/base/frames.hpp"

namespace fb::libos::posix::test {

class MemorySource final : public FrameSource {
 public:
  explicit MemorySource(std::size_t most_runs = 64) : most_(most_runs) {}
  Answer<std::byte*> grow(std::uint32_t run) override {
    if (there() == most_) return fail(Errno::NoMemory);
    if (run == runs_.size()) runs_.emplace_back();
    runs_.at(run) = std::make_unique<Run>();
    return runs_[run]->data();
  }
  void give_back(std::uint32_t run) override { runs_.at(run).reset(); }
  [[nodiscard]] std::size_t there() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(runs_, [](const auto& run) { return run != nullptr; }));
  }

 private:
  using Run = std::array<std::byte, kRunPages * core::kPageSize>;
  std::size_t most_;
  std::vector<std::unique_ptr<Run>> runs_;
};

}  // namespace fb::libos::posix::test

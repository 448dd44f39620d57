// Page frames of this instance: runs of Pages objects, mapped one behind the other in its own address space.
#pragma once

#include "libos/posix/base/frames.hpp"
#include "libos/rt/memory.hpp"

namespace fb::libos::posix::machine {

/// Runs are kept until the instance ends. One context only, like rt's memory beneath it.
class PagesSource final : public FrameSource {
 public:
  Answer<std::byte*> grow() override;
  /// The run's capability, for mapping its pages into programs.
  [[nodiscard]] abi::Cap<abi::ObjectType::Pages> run(std::uint32_t number) const {
    return runs_[number].pages.get();
  }

 private:
  Vector<rt::Region> runs_;
};

}  // namespace fb::libos::posix::machine

// Page frames of this instance: runs of Pages objects, mapped one behind the other in its own address space.
#pragma once

#include "libos/posix/base/frames.hpp"
#include "libos/rt/memory.hpp"

namespace fb::libos::posix::machine {

/// One context only, like rt's memory beneath it.
class PagesSource final : public FrameSource {
 public:
  /// Leaves the machine `reserve` pages, from which ring 0 and this LibOS itself live when programs have taken the rest.
  explicit PagesSource(core::PageCount reserve) : reserve_(reserve) {}

  Answer<std::byte*> grow(std::uint32_t run) override;
  void give_back(std::uint32_t run) override { runs_[run] = {}; }
  /// The run's capability, for mapping its pages into programs.
  [[nodiscard]] abi::Cap<abi::ObjectType::Pages> run(std::uint32_t number) const {
    return runs_[number].pages.get();
  }

 private:
  core::PageCount reserve_;
  Vector<rt::Region> runs_;
};

}  // namespace fb::libos::posix::machine

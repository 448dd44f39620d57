// The two pages that every program has besides its own: the clock page and the vDSO behind it.
#pragma once

#include "libos/posix/mm/space.hpp"
#include "libos/posix/vdso/clock_page.hpp"

namespace fb::libos::posix::vdso {

/// The linked vDSO: at most a page.
std::span<const std::byte> image();

/// One for the instance; programs share its frames and can at most make copies for themselves.
class ProgramPages final : public mm::Backing {
 public:
  static constexpr std::uint64_t kClockPage = 0, kImagePage = 1, kPages = 2;

  /// Errors: NoMemory.
  static Answer<Ref<ProgramPages>> make(Frames& frames);
  /// Use make.
  ProgramPages(Frames& frames, FrameId clock, FrameId image) : frames_(frames), held_{clock, image} {}
  ~ProgramPages() override {
    for (const auto frame : held_) frames_.release(frame);
  }

  [[nodiscard]] Kind kind() const override { return Kind::Vdso; }
  /// Errors: NoDeviceOrAddress beyond the end.
  Answer<FrameId> frame(std::uint64_t page) override;
  FrameId present(std::uint64_t page) override { return page < kPages ? held_[page] : FrameId(0); }

  [[nodiscard]] ClockPage& clock() { return *reinterpret_cast<ClockPage*>(frames_.bytes(held_[0]).data()); }

 private:
  Frames& frames_;
  std::array<FrameId, kPages> held_;
};

/// Both pages where there is room; the address of the vDSO, for the auxiliary vector. Errors: NoMemory.
Answer<core::VirtAddr> map(mm::Space& space, const Ref<ProgramPages>& pages);

}  // namespace fb::libos::posix::vdso

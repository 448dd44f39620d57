// Memory that processes share and no file holds: MAP_SHARED with MAP_ANONYMOUS.
#pragma once

#include "libos/posix/mm/area.hpp"
#include "libos/posix/mm/pages.hpp"

namespace fb::libos::posix::mm {

/// Zeros at first; it keeps its frames until the last mapping goes.
class SharedMemory : public Backing {
 public:
  SharedMemory(Frames& frames, core::PageCount pages) : frames_(frames), kept_(frames), pages_(pages) {}
  /// Errors: NoDeviceOrAddress beyond the end, NoMemory.
  Answer<FrameId> frame(std::uint64_t page) override;
  FrameId present(std::uint64_t page) override;
  Answer<> punch(std::uint64_t first, std::uint64_t end) override;

 private:
  Frames& frames_;
  Pages kept_;
  core::PageCount pages_;
};

}  // namespace fb::libos::posix::mm

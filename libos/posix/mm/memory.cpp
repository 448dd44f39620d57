#include "libos/posix/mm/memory.hpp"

namespace fb::libos::posix::mm {

Answer<FrameId> SharedMemory::frame(std::uint64_t page) {
  if (page >= pages_.raw()) return fail(Errno::NoDeviceOrAddress);
  if (kept_.find(page) == nullptr) {
    FB_ASSIGN(const FrameId made, frames_.allocate());
    FB_TRY(kept_.insert(page, {.frame = made, .access = Access::None, .shared = true}));
  }
  const FrameId frame = kept_.find(page)->frame;
  frames_.share(frame);
  return frame;
}

}  // namespace fb::libos::posix::mm

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

FrameId SharedMemory::present(std::uint64_t page) {
  const Page* const held = kept_.find(page);
  return held == nullptr ? FrameId(0) : held->frame;
}

Answer<> SharedMemory::punch(std::uint64_t first, std::uint64_t end) {
  leave(first, end, false);
  kept_.remove(first, end);
  return {};
}

}  // namespace fb::libos::posix::mm

// All physical memory of the machine: the frame allocator and the descriptors.
#pragma once

#include <span>

#include "core/mem/frame_allocator.hpp"
#include "kernel/arch/x86_64/layout.hpp"
#include "kernel/arch/x86_64/lock.hpp"

namespace fb::kernel::mem {

using core::mem::Frame;
using core::mem::FrameState;
using Frames = core::mem::FrameAllocator<arch::RankedLock<arch::Rank::Frames>>;

class Memory {
  arch::RankedLock<arch::Rank::Frames> lock_;

 public:
  explicit Memory(std::span<Frame> all) : descriptors(all), frames(all, lock_) {}
  std::span<Frame> descriptors;
  Frames frames;

  [[nodiscard]] Frame& frame(core::FrameNumber number) const { return descriptors[number.raw()]; }
  [[nodiscard]] Frame& frame(core::PhysAddr address) const { return frame(address.frame()); }
};

/// Zeroes one frame: 512 stores.
inline void zero_frame(core::FrameNumber frame) {
  void* at = arch::direct(core::PhysAddr(frame));
  std::uint64_t count = core::kPageSize / sizeof(std::uint64_t);
  asm volatile("rep stosq" : "+D"(at), "+c"(count) : "a"(0) : "memory");
}

}  // namespace fb::kernel::mem

// Frames and their allocator, and what an owner does to frames: for the tests of FrameAllocator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/mem/frame_allocator.hpp"

namespace fb::core::mem::test {

using Allocator = FrameAllocator<SpinLock>;
inline constexpr unsigned kMaxOrder = Allocator::kMaxOrder;
inline constexpr std::uint64_t kHuge = ~std::uint64_t{0};

inline FrameNumber frame(std::uint64_t raw) { return FrameNumber(raw); }
inline PageCount pages(std::uint64_t raw) { return PageCount(raw); }

struct Memory {
  explicit Memory(std::size_t count) : frames(count), allocator(frames, lock) {}
  std::vector<Frame> frames;
  SpinLock lock;
  Allocator allocator;
};

template <class T>
bool failed(const Result<T>& result, Error error) {
  return !result && result.error() == error;
}

/// What the owner of a run does to its descriptors; none of it may confuse the allocator.
inline void scribble(Memory& memory, std::uint64_t first, std::uint64_t count, std::uint32_t salt) {
  for (std::uint64_t i = first; i < first + count; ++i) {
    memory.frames[i].next = salt;
    memory.frames[i].prev = static_cast<std::uint32_t>(first);
    memory.frames[i].state = static_cast<FrameState>(salt % 8);
    memory.frames[i].live = static_cast<std::uint16_t>(salt);
    memory.frames[i].owner = &memory;
    memory.frames[i].aux = kHuge;
  }
}

}  // namespace fb::core::mem::test

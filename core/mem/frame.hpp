// The descriptor of one physical frame: 32 bytes in one array that the machine owns, indexed by frame number.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/types.hpp"

namespace fb::core::mem {

/// The most physical memory that is managed; frames above it are left alone.
inline constexpr ByteCount kMaxPhysical{std::uint64_t{64} << 30};
inline constexpr std::size_t kMaxFrames = kMaxPhysical.raw() >> kPageShift;

/// The null of a link between frames.
inline constexpr std::uint32_t kNoFrame = 0xffff'ffff;
/// `Frame::order` of a frame that is not the first of a free block.
inline constexpr std::uint8_t kNoOrder = 0xff;

/// What a frame is used for, for audits. `Kernel` is also what a run is until its owner says otherwise.
enum class FrameState : std::uint8_t { Reserved, Free, Pages, Table, Shadow, Slab, Slots, Kernel };

/// `order` and `holes` belong to the FrameAllocator at all times and are guarded by its lock. The other
/// fields are the allocator's in the first frame of a free block, and the owner's in every frame that is
/// allocated; elsewhere (inside a free block) they mean nothing.
struct Frame {
  std::uint32_t next = kNoFrame;            ///< link, a frame number
  std::uint32_t prev = kNoFrame;            ///< link, a frame number
  std::uint32_t holes = ~std::uint32_t{0};  ///< bit k: of the 2^k frames from here not all are allocated
  std::uint16_t live = 0;                   ///< live entries of a table, or live objects of a slab
  std::uint8_t order = kNoOrder;
  FrameState state = FrameState::Reserved;
  void* owner = nullptr;  ///< what the frame belongs to
  std::uint64_t aux = 0;  ///< the owner's
};
static_assert(sizeof(Frame) == 32);

}  // namespace fb::core::mem

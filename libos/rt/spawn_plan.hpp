// Where the parts of a new program go, worked out and checked before anything is created.
#pragma once

#include <array>

#include "abi/types.hpp"
#include "core/elf/image.hpp"
#include "libos/rt/start_info.hpp"

namespace fb::libos::rt {

/// One run of fresh pages: `bytes` are copied to `offset` in it, the rest stays zero.
struct PlannedSegment {
  core::VirtAddr start;
  core::PageCount pages;
  core::ByteCount offset;
  std::span<const std::byte> bytes;
  abi::Access access;
};

/// All of a static program. Views into the ELF file stay views.
struct SpawnPlan {
  std::array<PlannedSegment, core::elf::kMaxSegments> segments;
  std::size_t segment_count{};
  core::VirtAddr entry;
  core::PageCount total;  ///< with stack, area and start page

  /// Errors: those of elf::Image::parse, NotSupported (needs an interpreter, relocation or thread-local storage),
  /// BadAddress (reaches into what the starter uses), NoMemory (above `limit`).
  static core::Result<SpawnPlan> make(std::span<const std::byte> elf, core::PageCount limit);
};

inline constexpr core::PageCount kAreaPages{2};  ///< exo_area and exo_ring

}  // namespace fb::libos::rt

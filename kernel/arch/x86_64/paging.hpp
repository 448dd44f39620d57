// The kernel half of the page tables, made once at boot and shared by every address space.
#pragma once

#include "core/types.hpp"
#include "kernel/arch/x86_64/features.hpp"
#include "kernel/arch/x86_64/layout.hpp"

namespace fb::kernel::arch {

/// Frames before there is an allocator: taken upwards from the end of the image, never given back.
class EarlyFrames {
 public:
  EarlyFrames(core::PhysAddr first, core::PhysAddr end) : next_(first), end_(end) {}
  /// A zeroed run; stops the machine when the range is used up.
  core::PhysAddr take(core::PageCount count);
  [[nodiscard]] core::PhysAddr next() const { return next_; }
  /// Where the last run begins.
  [[nodiscard]] core::PhysAddr last_taken() const { return last_; }

 private:
  core::PhysAddr next_, end_, last_;
};

enum class KernelAccess : std::uint8_t { ReadOnly, ReadWrite, ReadExecute, Device };

class KernelTables {
 public:
  /// Maps all memory below `top` at kDirectMap (never executable; the image's own frames no more writable there than
  /// in the image) and the image section by section. W^X holds for every frame under every address.
  KernelTables(EarlyFrames& frames, const Features& features, core::PhysAddr top);
  /// Adds one page; for stacks and device registers at boot. Not for more than one CPU at a time.
  void map(core::VirtAddr address, core::PhysAddr frame, KernelAccess access);
  /// Registers of a device, uncached, at a fixed place that depends on `index` only.
  core::VirtAddr map_device(core::PhysAddr frame, unsigned index);
  [[nodiscard]] core::PhysAddr root() const { return root_; }
  /// Fills the upper half of a new root table.
  void share(core::PhysAddr user_root) const;

 private:
  std::uint64_t* descend(std::uint64_t address, unsigned level);
  void map_image();
  void map_direct(core::PhysAddr top, bool gigantic);

  EarlyFrames& frames_;
  core::PhysAddr root_;
};

}  // namespace fb::kernel::arch

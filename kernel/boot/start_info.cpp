#include "kernel/boot/start_info.hpp"

#include <algorithm>

#include "core/mem/frame.hpp"
#include "kernel/arch/x86_64/panic.hpp"

namespace fb::kernel::boot {

using core::PhysAddr;

BootInput BootInput::read(const StartInfo& info) {
  arch::require(info.magic == StartInfo::kMagic, "not started by a PVH loader");
  arch::require(info.version >= 1 && info.memory_map_entries != 0, "the loader gave no memory map");
  arch::require(info.module_count >= 1, "no boot archive: give one as the first module (QEMU: -initrd)");
  BootInput input;
  input.range_count_ = std::min<std::size_t>(info.memory_map_entries, input.ranges_.size());
  const auto* ranges = arch::direct<const MemoryRange>(PhysAddr(info.memory_map));
  std::copy_n(ranges, input.range_count_, input.ranges_.begin());
  const auto& module = *arch::direct<const ModuleInfo>(PhysAddr(info.modules));
  input.archive_ = PhysAddr(module.address);
  input.archive_size_ = core::ByteCount(module.size);
  input.rsdp_ = PhysAddr(info.rsdp);
  if (info.command_line != 0) {
    const char* line = arch::direct<const char>(PhysAddr(info.command_line));
    while (input.line_size_ < input.line_.size() && line[input.line_size_] != '\0') {
      input.line_[input.line_size_] = line[input.line_size_];
      input.line_size_ += 1;
    }
  }
  return input;
}

PhysAddr BootInput::top() const {
  std::uint64_t top = 0;
  for (const auto& range : memory()) {
    if (range.type == MemoryRange::kRam) top = std::max(top, range.address + range.size);
  }
  return PhysAddr(std::min(top, core::mem::kMaxPhysical.raw()) & ~core::kPageMask);
}

}  // namespace fb::kernel::boot

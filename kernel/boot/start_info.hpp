// What the PVH loader leaves (Xen, "x86/HVM direct boot ABI", hvm_start_info version 1).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/types.hpp"
#include "kernel/arch/x86_64/layout.hpp"

namespace fb::kernel::boot {

struct StartInfo {
  std::uint32_t magic, version, flags, module_count;
  std::uint64_t modules, command_line, rsdp, memory_map;
  std::uint32_t memory_map_entries, reserved;
  static constexpr std::uint32_t kMagic = 0x336e'c578;
};
static_assert(sizeof(StartInfo) == 56);

struct ModuleInfo {
  std::uint64_t address, size, command_line, reserved;
};
struct MemoryRange {
  std::uint64_t address, size;
  std::uint32_t type, reserved;
  static constexpr std::uint32_t kRam = 1;
};
static_assert(sizeof(ModuleInfo) == 32 && sizeof(MemoryRange) == 24);

/// A copy of what matters: the original lies in memory that will be handed out.
class BootInput {
 public:
  /// Stops the machine with a message when the loader left nothing usable.
  static BootInput read(const StartInfo& info);

  [[nodiscard]] std::span<const MemoryRange> memory() const { return std::span(ranges_).first(range_count_); }
  [[nodiscard]] core::PhysAddr archive() const { return archive_; }
  [[nodiscard]] core::ByteCount archive_size() const { return archive_size_; }
  [[nodiscard]] core::PhysAddr rsdp() const { return rsdp_; }
  [[nodiscard]] std::string_view command_line() const { return {line_.data(), line_size_}; }
  /// End of the highest RAM that is used.
  [[nodiscard]] core::PhysAddr top() const;

 private:
  std::array<MemoryRange, 32> ranges_{};
  std::size_t range_count_ = 0;
  core::PhysAddr archive_, rsdp_;
  core::ByteCount archive_size_;
  std::array<char, 511> line_{};
  std::size_t line_size_ = 0;
};

}  // namespace fb::kernel::boot

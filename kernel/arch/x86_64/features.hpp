// What the CPU offers, and turning it on (C3.07; DESIGN §5 "Memory").
#pragma once

#include <array>
#include <cstdint>

#include "core/types.hpp"

namespace fb::kernel::arch {

/// Bit numbers as `machine_info(CPU_FEATURES)` reports them.
enum class Feature : std::uint8_t {
  Nx,
  Smep,
  Smap,
  Umip,
  Xsave,
  FsGsBase,
  X2Apic,
  TscDeadline,
  GiganticPages,
  Ibpb,
  Meltdown
};

class Features {
 public:
  /// Reads the calling CPU's CPUID leaves.
  static Features detect();
  [[nodiscard]] bool has(Feature f) const { return (bits_ >> static_cast<unsigned>(f) & 1) != 0; }
  [[nodiscard]] std::uint64_t raw() const { return bits_; }
  /// Components enabled in XCR0, and the size of an XSAVE area in standard format.
  [[nodiscard]] std::uint64_t vector_components() const { return components_; }
  [[nodiscard]] core::ByteCount vector_bytes() const { return vector_bytes_; }
  /// Copies an XSAVE area: its head, and of the rest the components in `held`. Most of an area is room for registers that hardly
  /// any program has; what is initial says nothing (Intel SDM 1, 13.4).
  void copy_vector(char* to, const char* from, std::uint64_t held) const;
  /// Takes instructions that this CPU lacks out of the image; while the image is still writable.
  void patch_image() const;
  /// Sets control registers and model-specific registers of the calling CPU accordingly, syscall entry included.
  void enable() const;

 private:
  void set(Feature f, bool on) { bits_ |= std::uint64_t{on} << static_cast<unsigned>(f); }
  std::uint64_t bits_ = 0;
  std::uint64_t components_ = 0;
  core::ByteCount vector_bytes_{};
  struct Part {
    std::uint64_t component = 0;  ///< its bit
    std::uint32_t offset = 0, size = 0;
  };
  std::array<Part, 6> parts_{};  ///< of the components behind the head; the rest are none
};

/// RFLAGS bits that ring 3 may have: arithmetic flags, TF, DF, NT no, AC, ID; IF always set, IOPL always 0.
inline constexpr std::uint64_t kUserFlagsMask = 0x0024'0dd5;
inline constexpr std::uint64_t kInterruptFlag = 0x200;
constexpr std::uint64_t user_flags(std::uint64_t raw) { return (raw & kUserFlagsMask) | kInterruptFlag | 2; }

}  // namespace fb::kernel::arch

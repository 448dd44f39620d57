// The I/O APIC: routes device interrupts to CPU 0 (Intel 82093AA data sheet; ISA overrides from the ACPI MADT).
#pragma once

#include <array>
#include <cstdint>

#include "core/spin.hpp"
#include "kernel/arch/x86_64/apic.hpp"
#include "kernel/arch/x86_64/lock.hpp"

namespace fb::kernel::arch {

class IoApic {
 public:
  static constexpr unsigned kLines = 16;
  /// How an ISA line reaches the I/O APIC.
  struct Route {
    std::uint8_t input;
    bool active_low;
    bool level;
  };
  /// All lines masked. `registers` is mapped uncached.
  static void initialise(core::VirtAddr registers, const std::array<Route, kLines>& routes, ApicId target);
  static void mask(unsigned line);
  static void unmask(unsigned line);

 private:
  static void write(std::uint32_t index, std::uint32_t value);
  static void set_masked(unsigned line, bool masked);
  static RankedLock<Rank::Interrupts> lock_;
  static std::uint64_t registers_;
  static std::array<Route, kLines> routes_;
};

}  // namespace fb::kernel::arch

// The part of ACPI that says which CPUs and interrupt controllers there are (ACPI 6.5, 5.2.12 MADT).
#pragma once

#include <array>

#include "core/budget/budget.hpp"
#include "kernel/arch/x86_64/ioapic.hpp"

namespace fb::kernel::boot {

struct Topology {
  std::array<arch::ApicId, core::budget::kMaxCpus> cpus{};
  unsigned cpu_count = 0;
  core::PhysAddr local_apic{0xfee0'0000};
  core::PhysAddr io_apic{0xfec0'0000};
  std::array<arch::IoApic::Route, arch::IoApic::kLines> routes{};
};

/// Reads the tables below `rsdp`, which firmware made: bounds and checksums are verified, and what does not make sense
/// is passed over. Without a MADT there is one CPU. `top` is the end of the memory that may be looked at.
Topology read_topology(core::PhysAddr rsdp, core::PhysAddr top, arch::ApicId boot_cpu);

}  // namespace fb::kernel::boot

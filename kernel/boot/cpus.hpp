// Bringing CPUs up.
#pragma once

#include "kernel/boot/acpi.hpp"
#include "kernel/object/kernel.hpp"

namespace fb::kernel::boot {

/// Makes the Cpu with its stacks and adds it to the kernel's list, not yet counted as up.
object::Cpu& make_cpu(object::Kernel& kernel, arch::EarlyFrames& frames, core::CpuId id, arch::ApicId apic);
/// Turns the calling CPU into `cpu`: descriptors, GS base, protections, APIC.
void become(object::Cpu& cpu);
/// Starts all other CPUs; each is idle and counted when this returns. One that does not answer is left out, loudly.
void start_others(object::Kernel& kernel, const Topology& topology);

}  // namespace fb::kernel::boot

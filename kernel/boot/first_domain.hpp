// The first domain: loaded by the kernel because nobody else can (DESIGN §8).
#pragma once

#include "kernel/boot/start_info.hpp"
#include "kernel/object/create.hpp"

namespace fb::kernel::boot {

/// Makes the root budget, which owns the machine, and the domain `root` of the boot archive with every authority; its
/// context is ready on CPU 0. Stops the machine when that cannot be done.
void make_first_domain(object::Kernel& kernel, object::Cpu& cpu, const BootInput& input);

}  // namespace fb::kernel::boot

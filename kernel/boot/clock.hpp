// Time at boot: rates of the clocks, and the date.
#pragma once

#include "kernel/object/kernel.hpp"

namespace fb::kernel::boot {

/// Measures the clocks and reads the machine's date (MC146818 RTC) into `kernel`. The APIC of this CPU is on.
void set_clocks(object::Kernel& kernel);

}  // namespace fb::kernel::boot

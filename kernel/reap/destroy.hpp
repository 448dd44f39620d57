// Taking objects apart, type by type.
#pragma once

#include "kernel/reap/cleanup.hpp"

namespace fb::kernel::reap {

/// One step of the destruction of an object that no capability names any more and no CPU acts on. True when it is gone
/// and its payer refunded. What it held is queued in `cleanup`, before it.
bool destroy_step(Cpu& cpu, Cleanup& cleanup, object::Object& object);

/// One step of `cleanup`; nothing is held when it returns. There is something pending.
void step(Cpu& cpu, Cleanup& cleanup);

}  // namespace fb::kernel::reap

// Taking objects apart, type by type.
#pragma once

#include "kernel/reap/cleanup.hpp"

namespace fb::kernel::reap {

enum class Destroyed : std::uint8_t {
  Done,   ///< what it held is given back or queued; its storage may be freed
  Again,  ///< call again
  Grace,  ///< let a grace period pass, then call again
};
/// One step of the destruction of an object that no capability names any more. What it held is queued in `cleanup`.
Destroyed destroy_step(Cpu& cpu, Cleanup& cleanup, object::Object& object);

/// One step of `cleanup`; nothing is held when it returns. There is something pending. False: that was the end of the
/// context that `cleanup` is part of.
bool step(Cpu& cpu, Cleanup& cleanup);

}  // namespace fb::kernel::reap

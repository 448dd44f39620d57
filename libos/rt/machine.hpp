// The kernel beneath a fibre scheduler: time, one event, and stacks with a guard page.
#pragma once

#include "libos/rt/event_loop.hpp"
#include "libos/rt/memory.hpp"

namespace fb::libos::rt {

/// Waits on one event, which it does not own, and whose bit 63 it keeps for itself.
class KernelMachine {
 public:
  explicit KernelMachine(abi::Cap<abi::ObjectType::Event> event) : event_(event) {}
  core::Nanoseconds now();
  abi::EventBits wait(abi::EventBits mask, core::Nanoseconds deadline);
  core::Result<Stack> allocate_stack();
  void free_stack(Stack stack);

 private:
  static constexpr core::PageCount kStackPages{8};
  abi::Cap<abi::ObjectType::Event> event_;
};

using Fibres = Scheduler<KernelMachine>;
using Upcalls = EventLoop<KernelMachine>;

/// Monotonic time; 0 only if the kernel has no clock.
core::Nanoseconds now();

}  // namespace fb::libos::rt

#include "kernel/reap/cleanup.hpp"
#include "kernel/sched/slices.hpp"
#include "kernel/syscall/calls.hpp"

namespace fb::kernel::syscall {

void dispatch(Cpu& cpu) {
  for (;;) {
    if (reap::others_wait(cpu)) reap::work_for_others(cpu);
    // After that, which lets interrupts in: choose() takes what they want for done, and this is part of it.
    if (cpu.lines != 0) deliver_lines(cpu);
    Context* context = sched::choose(cpu);
    if (context == nullptr) {
      if (!reap::others_wait(cpu)) sched::sleep(cpu);
      cpu.sequence.fetch_add(2, std::memory_order_seq_cst);  // it may not have slept; nothing is held here
      continue;
    }
    if (context->cleanup.pending()) {
      cpu.current_head = context;
      sched::arm_next(cpu);  // clean-up is on the slice of whoever owes it, and is preempted at its end
      (void)reap::work(cpu, *context);
      continue;  // much may have changed meanwhile
    }
    sched::arm_next(cpu);
    sched::leave_to(cpu, *context);
  }
}

}  // namespace fb::kernel::syscall

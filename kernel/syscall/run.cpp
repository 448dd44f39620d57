// exo_context_run and the way back (DESIGN §6): the heart of the system.
#include "kernel/syscall/calls.hpp"

extern "C" {
[[noreturn]] void leave_by_sysret(const exo_frame* frame, std::uint64_t rip, std::uint64_t rflags);
[[noreturn]] void leave_by_iret(const exo_frame* frame, std::uint64_t rip, std::uint64_t rflags);
[[noreturn]] void leave_to_carrier(const exo_frame* frame, std::uint64_t stop);
[[noreturn]] void reflected_syscall(fb::kernel::object::Cpu* cpu);
}

namespace fb::kernel::syscall {

using abi::Stop;
using object::Chain;
using object::Level;
using object::RunState;

Result<Stop> Calls::context_run(Ref<Context> target, Nanoseconds until, Word batch) {
  if (in_batch) [[unlikely]] return core::fail(Error::BadArgument);
  if (batch != 0) [[unlikely]] {
    FB_ASSIGN(const Word done, ring_submit(batch));
    if (done != batch) return Stop::Batch;
  }
  Context& context = *target;
  Context& carrier = *current;
  const auto level = depth.load(std::memory_order_relaxed) + 1;
  if (level == object::kMaxLevels) [[unlikely]] return core::fail(Error::TooDeep);

  // The frame is shared with the carrier's domain: each field is fetched once, checked, then used.
  const auto& frame = *context.frame;
  const auto rip = __atomic_load_n(&frame.rip, __ATOMIC_RELAXED);
  const auto rflags = arch::user_flags(__atomic_load_n(&frame.rflags, __ATOMIC_RELAXED));
  const auto fs = __atomic_load_n(&frame.fs_base, __ATOMIC_RELAXED);
  const auto gs = __atomic_load_n(&frame.gs_base, __ATOMIC_RELAXED);
  if ((rip | fs | gs) >= core::kUserEnd) [[unlikely]] {
    if (rip >= core::kUserEnd || fs >= core::kUserEnd || gs >= core::kUserEnd) return core::fail(Error::BadAddress);
  }
  const auto deadline = ticks(until);
  levels[level] = Level{&context, &carrier, deadline};
  depth.store(level, std::memory_order_relaxed);  // before the claim, a full barrier, and the look for events

  auto idle = RunState(Chain::Idle);
  if (!context.state.compare_exchange_strong(idle, RunState(Chain::Running, id), std::memory_order_seq_cst)) [[unlikely]] {
    depth.store(level - 1, std::memory_order_relaxed);
    if (idle.chain() == Chain::Waiting) return Stop::Halted;
    return core::fail(idle.chain() == Chain::Stopped || idle.chain() == Chain::Dead ? Error::Gone : Error::Busy);
  }
  context.run_via = target.entry;
  const bool event = carrier.event != nullptr && (carrier.event->set.pending().raw() & carrier.event_mask) != 0;
  if (event || !context.slots.empty() || context.space == nullptr) [[unlikely]] {
    depth.store(level - 1, std::memory_order_relaxed);
    context.run_via = nullptr;
    sched::release_chain(*this, context);
    if (event) return Stop::Event;
    return core::fail(context.space == nullptr ? Error::Gone : Error::Busy);
  }
  sched::arm_by(*this, deadline);
  if (!context.reflecting) [[unlikely]] {
    carrier.by_syscall = true;
    dispatch(*this);  // a native context: perhaps inside a gate, perhaps with clean-up to do
  }
  object::Cpu::current = &context;
  object::Cpu::frame = context.frame;
  reflecting = 1;
  sched::switch_space(*this, context.space);
  sched::switch_vector(*this, context);
  sched::set_bases(*this, fs, gs);
  if (context.by_syscall) leave_by_sysret(&frame, rip, rflags);
  leave_by_iret(&frame, rip, rflags);
}

}  // namespace fb::kernel::syscall

using fb::kernel::object::Cpu;

// The program made a system call: back to the carrier, whose context_run returns SYSCALL.
void reflected_syscall(Cpu* at) {
  using namespace fb::kernel;
  Cpu& cpu = *at;
  const auto level = cpu.depth.load(std::memory_order_relaxed);
  auto& context = *cpu.levels[level].root;
  auto& carrier = *cpu.levels[level].carrier;
  context.by_syscall = true;
  context.frame->stop = static_cast<std::uint64_t>(fb::abi::Stop::Syscall);
  cpu.depth.store(level - 1, std::memory_order_relaxed);
  context.run_via = nullptr;
  cpu.current = &carrier;
  cpu.frame = &carrier.registers;
  cpu.reflecting = 0;
  sched::switch_space(cpu, carrier.space);
  if (sched::is_wanted(context)) [[unlikely]] {
    carrier.by_syscall = true;
    carrier.set_result(0, static_cast<std::uint64_t>(fb::abi::Stop::Gone));
    sched::release_chain(cpu, context);
    syscall::dispatch(cpu);
  }
  // release: the registers are in the frame before another CPU may claim the context.
  context.state.store(object::RunState(object::Chain::Idle), std::memory_order_release);
  leave_to_carrier(&carrier.registers, static_cast<std::uint64_t>(fb::abi::Stop::Syscall));
}

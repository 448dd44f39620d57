// exo_context_run and the way back (DESIGN §6): the heart of the system.
#include "kernel/arch/x86_64/leave.hpp"
#include "kernel/syscall/calls.hpp"

extern "C" {
[[noreturn, clang::preserve_none]] void run_context(std::uint64_t context, std::uint64_t deadline, std::uint64_t batch);
[[noreturn, clang::preserve_none]] void reflected_syscall(fb::kernel::object::CpuHead* cpu);
}

namespace fb::kernel::syscall {

using abi::Stop;
using object::Chain;
using object::Level;
using object::RunState;

[[gnu::always_inline]] inline Result<Stop> Calls::context_run(Ref<Context> target, Nanoseconds until, Word batch) {
  if (batch != 0) [[unlikely]] {
    FB_ASSIGN(const Word done, ring_submit(batch));
    if (done != batch) return Stop::Batch;
  }
  Context& context = *target;
  Context& carrier = *current;
  const auto level = depth.load(std::memory_order_relaxed) + 1;
  if (level == object::kMaxLevels) [[unlikely]] return core::fail(Error::TooDeep);

  // The frame is shared with the carrier's domain: each field is fetched once, checked, then used.
  const auto& registers = *context.frame;
  const auto rip = __atomic_load_n(&registers.rip, __ATOMIC_RELAXED);
  const auto rflags = arch::user_flags(__atomic_load_n(&registers.rflags, __ATOMIC_RELAXED));
  const auto fs = __atomic_load_n(&registers.fs_base, __ATOMIC_RELAXED);
  const auto gs = __atomic_load_n(&registers.gs_base, __ATOMIC_RELAXED);
  if (rip >= core::kUserEnd || ((fs | gs) >> 47) != 0) [[unlikely]] return core::fail(Error::BadAddress);

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
  if (claims != 0) [[unlikely]] settle(true);
  if (carrier.has_event()) [[unlikely]] return give_back(context, Stop::Event);
  sched::arm_by(*this, deadline);
  if (!context.reflecting) [[unlikely]] return run_native(context);

  current = &context;
  frame = context.frame;
  reflecting = 1;
  sched::switch_space(*this, context.space);
  sched::switch_vector(*this, context);
  sched::set_bases(*this, context, fs, gs);
  if (context.by_syscall) [[likely]] leave_by_sysret(&registers, rip, rflags);
  leave_by_iret(&registers, rip, rflags);
}

/// A context that was claimed is not run after all.
Result<Stop> Calls::give_back(Context& context, Result<Stop> outcome) {
  depth.fetch_sub(1, std::memory_order_relaxed);
  context.run_via = nullptr;
  sched::release_chain(*this, context);
  return outcome;
}

/// A native context may be inside a gate, or have clean-up to do; and it may have slices of its own.
Result<Stop> Calls::run_native(Context& context) {
  if (!context.slots.empty()) return give_back(context, core::fail(Error::Busy));
  current->by_syscall = true;
  dispatch(*this);
}

}  // namespace fb::kernel::syscall

void run_context(std::uint64_t context, std::uint64_t deadline, std::uint64_t batch) {
  using namespace fb::kernel::syscall;
  fb::abi::Reply reply;
  [[clang::always_inline]] reply = fb::abi::decode_context_run<Calls>(context, deadline, batch, 0, 0, 0);
  Calls::enter().conclude(reply);
}

// The program made a system call: back to the carrier, whose context_run returns SYSCALL.
void reflected_syscall(fb::kernel::object::CpuHead* at) {
  using namespace fb::kernel;
  auto& cpu = *static_cast<object::Cpu*>(at);
  const auto depth = cpu.depth.load(std::memory_order_relaxed);
  auto& level = cpu.levels[depth];
  auto& context = *level.root;
  auto& carrier = *level.carrier;
  context.by_syscall = true;
  context.frame->stop = static_cast<std::uint64_t>(fb::abi::Stop::Syscall);
  context.run_via = nullptr;
  cpu.depth.store(depth - 1, std::memory_order_relaxed);
  cpu.current = &carrier;
  cpu.frame = carrier.frame;
  cpu.reflecting = 0;
  sched::switch_space(cpu, carrier.space);
  if (context.request.load(std::memory_order_relaxed) != object::Request::None) [[unlikely]] {
    carrier.by_syscall = true;
    carrier.set_result(0, static_cast<std::uint64_t>(fb::abi::Stop::Gone));
    sched::release_chain(cpu, context);
    syscall::dispatch(cpu);
  }
  // release: the registers are in the frame before another CPU may claim the context.
  context.state.store(object::RunState(object::Chain::Idle), std::memory_order_release);
  leave_to_caller(carrier.frame, 0, static_cast<std::uint64_t>(fb::abi::Stop::Syscall));
}

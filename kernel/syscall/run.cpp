// exo_context_run (DESIGN §6), the heart of the system: the long way. arch/x86_64/switching.S has the short one, for a
// carrier that runs the same reflecting context again, and the way back from the program's system call.
#include "kernel/syscall/calls.hpp"

extern "C" [[noreturn, clang::preserve_none]] void run_context(std::uint64_t context, std::uint64_t deadline,
                                                               std::uint64_t batch);

namespace fb::kernel::syscall {

using abi::Stop;
using object::Chain;
using object::Level;
using object::RunState;

/// What the carrier's next run by the short way takes; but where there are claims, they are settled instead.
[[gnu::always_inline]] inline void Calls::note_run(Context& carrier, Ref<Context> target) {
  if (claims != 0) return settle(true);
  carrier.run_handle = object::CapSpace::handle_of(target.entry);
  carrier.run_entry = target.entry;
  carrier.run_target = target.object;
}

[[gnu::always_inline]] inline Result<Stop> Calls::context_run(Ref<Context> target, Nanoseconds until,
                                                              Word batch) {
  if (batch != 0) {
    const Handle handle(object::CapSpace::handle_of(target.entry).raw());
    FB_ASSIGN(const Word done, work_off(batch));
    if (is_held_up()) [[unlikely]]
      leave(0, static_cast<Word>(done == batch ? Stop::Preempted : Stop::Batch));
    // What the interrupts that came in want is looked at as if one came now: when ring 3 runs, whoever that is.
    if (recheck.load(std::memory_order_relaxed)) [[unlikely]]
      sched::kick(*this);
    if (done != batch) return Stop::Batch;
    // The batch holds on to nothing between its entries: what it was called with may be gone.
    FB_ASSIGN(target, lookup<ObjectType::Context>(handle, core::cap::Right::Invoke));
  }
  Context& context = *target;
  Context& carrier = *current();
  if (depth() + 1 >= object::kMaxLevels) return core::fail(Error::TooDeep);
  Level* const level = top.load(std::memory_order_relaxed) + 1;
  *level = Level{&context, &carrier, until, target.entry};
  top.store(level, std::memory_order_relaxed);  // before the claim, a full barrier, and the look for events
  auto idle = RunState(Chain::Idle);
  if (!context.state.compare_exchange_strong(idle, running, std::memory_order_seq_cst)) {
    top.store(level - 1, std::memory_order_relaxed);
    if (idle.chain() == Chain::Waiting) return Stop::Halted;
    return core::fail(idle.chain() == Chain::Stopped || idle.chain() == Chain::Dead ? Error::Gone
                                                                                    : Error::Busy);
  }
  carrier.attention.fetch_and(object::kDeepest,
                              std::memory_order_seq_cst);  // whoever signals from now on sets it again
  if (carrier.has_event()) {
    carrier.attention.fetch_or(object::kEventPending, std::memory_order_relaxed);
    return give_back(context, Stop::Event);
  }
  if (!context.reflecting) return run_native(context, until);

  // The frame is shared with the carrier's domain: each field is fetched once, checked, then used.
  auto& registers = *context.frame;
  const auto rip = __atomic_load_n(&registers.rip, __ATOMIC_RELAXED);
  const auto rflags = arch::user_flags(__atomic_load_n(&registers.rflags, __ATOMIC_RELAXED));
  const auto fs = __atomic_load_n(&registers.fs_base, __ATOMIC_RELAXED);
  const auto gs = __atomic_load_n(&registers.gs_base, __ATOMIC_RELAXED);
  if (rip >= core::kUserEnd || fs >= core::kUserEnd || gs >= core::kUserEnd)
    return give_back(context, core::fail(Error::BadAddress));
  note_run(carrier, target);
  arm_for(until);
  current_head = &context;
  frame = context.frame;
  reflecting = 1;
  sched::switch_space(*this, context.space);
  sched::switch_vector(*this, context);
  sched::set_bases(*this, context, fs, gs);
  // What it stops with, unless that is told otherwise; a carrier that changed rcx or r11 left another value here.
  constexpr auto kCall = static_cast<Word>(Stop::Syscall);
  const bool by_call = __atomic_exchange_n(&registers.stop, kCall, __ATOMIC_RELAXED) == kCall;
  if (context.vector && context.by_syscall) live = &context;
  if (context.by_syscall && by_call) leave_by_sysret(&registers, rip, rflags);
  leave_by_iret(&registers, rip, rflags);
}

/// A context that was claimed is not run after all.
Result<Stop> Calls::give_back(Context& context, Result<Stop> outcome) {
  top.store(top.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  sched::release_chain(*this, context);
  return outcome;
}

/// A native context may be inside a gate, or have clean-up to do; and it may have slices of its own.
Result<Stop> Calls::run_native(Context& context, Nanoseconds until) {
  if (!context.slots.empty()) return give_back(context, core::fail(Error::Busy));
  if (depth() + 1 == object::kMaxLevels)
    context.attention.fetch_or(object::kDeepest, std::memory_order_relaxed);
  if (claims != 0) settle(true);
  arm_for(until);
  current()->by_syscall = true;
  dispatch(*this);
}

}  // namespace fb::kernel::syscall

void run_context(std::uint64_t context, std::uint64_t deadline, std::uint64_t batch) {
  using namespace fb::kernel::syscall;
  [[clang::always_inline]] Calls::enter().conclude(
      fb::abi::decode_context_run<Calls>(context, deadline, batch, 0, 0, 0));
}

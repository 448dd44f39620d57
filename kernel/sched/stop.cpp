#include "kernel/sched/stop.hpp"

#include "kernel/sched/kick.hpp"
#include "kernel/sched/signal.hpp"

namespace fb::kernel::sched {
namespace {

using core::Error;
using object::Request;

/// Abandons the calls that `context` has made, deepest first. This CPU has the chain.
void abandon_calls(Context& context) {
  while (context.callee != nullptr) {
    Context& deepest = context.active();
    deepest.caller->callee = nullptr;
    deepest.caller = nullptr;
    deepest.called_via = nullptr;
    return_to_pool(deepest);
  }
}

/// Stops one context of a chain that this CPU has. Returns its caller, who knows: the chain ends there now.
Context* stop_held(Cpu& cpu, Context& context) {
  abandon_calls(context);
  context.request.store(Request::None, std::memory_order_relaxed);
  adopt(cpu, context);
  Context* caller = context.caller;
  context.caller = nullptr;
  context.called_via = nullptr;
  if (caller == nullptr && !context.slots.empty())
    cpu.kernel->cpus[context.home.raw()]->slices.set_ready(context.slots, false);
  context.state.store(RunState(Chain::Stopped), std::memory_order_release);
  if (caller != nullptr) {
    caller->callee = nullptr;
    caller->by_syscall = true;
    caller->set_result(context.faulted ? Error::Faulted : Error::Gone);
  }
  if (context.event != nullptr) signal(cpu, *context.event, EventBits(std::uint64_t{1} << context.end_bit));
  return caller;
}

/// The same for a call of a context whose chain this CPU has.
void abandon_held(Context& caller) {
  caller.request.store(Request::None, std::memory_order_relaxed);
  if (caller.callee == nullptr) return;  // the reply was faster
  abandon_calls(caller);
  caller.by_syscall = true;
  caller.set_result(Error::Revoked);
}

bool leave_pool(Context& context) {
  object::Gate* gate = context.gate;
  if (gate == nullptr) return false;
  const core::Guard guard(gate->pool_lock);
  for (Context** at = &gate->pool; *at != nullptr; at = &(*at)->next_in_pool) {
    if (*at != &context) continue;
    *at = context.next_in_pool;
    context.state.store(RunState(Chain::Stopped), std::memory_order_release);
    return true;
  }
  return false;
}

}  // namespace

void adopt(Cpu& cpu, Context& context) {
  if (!context.cleanup.pending()) return;
  const core::Guard guard(cpu.orphan_lock);
  if (context.orphan.linked()) return;
  context.orphan_of = &cpu;
  cpu.orphans.push_back(context);
}

void settle_calls(Cpu& cpu, Context& root) {
  for (Context* at = &root; at != nullptr; at = at->callee) {
    const auto request = at->request.load(std::memory_order_acquire);
    if (request == Request::Abandon) abandon_held(*at);
    if (request == Request::Stop && at != &root) at = stop_held(cpu, *at);
  }
}

void release_chain(Cpu& cpu, Context& root) {
  // It may have begun to wait, and another CPU may have it by now: then the rest is nothing to us.
  auto running = RunState(Chain::Running, cpu.id);
  if (root.state.load(std::memory_order_acquire) != running) return;
  settle_calls(cpu, root);
  if (root.request.load(std::memory_order_acquire) == Request::Stop) {
    stop_held(cpu, root);
    return;
  }
  if (!root.slots.empty() && root.home != cpu.id)
    return make_ready(cpu, root);  // its own CPU may have tried meanwhile
  // release: the registers are in the frame before another CPU may claim it.
  root.state.store(RunState(Chain::Idle), std::memory_order_release);
}

namespace {

/// Whoever has it is to look at what was asked of it.
void prompt(Cpu& cpu, RunState state) {
  Cpu& on = *cpu.kernel->cpus[state.cpu().raw()];
  if (&on != &cpu) return kick(on);
  cpu.recheck.store(true, std::memory_order_relaxed);
}

/// Brings it about that `request` is done to `context`, whoever has its chain. True: it is done.
bool bring_about(Cpu& cpu, Context& context, Request request) {
  constexpr unsigned kAttempts = 8;
  for (unsigned i = 0; i < kAttempts; ++i) {
    if (request == Request::Abandon && context.callee == nullptr) return true;
    Context& base = context.base();
    auto state = base.state.load(std::memory_order_acquire);
    switch (state.chain()) {
      case Chain::Running:
        context.request.store(request, std::memory_order_seq_cst);
        prompt(cpu, state);
        return false;
      case Chain::Waiting:
        context.request.store(request,
                              std::memory_order_seq_cst);    // so that it does not see the end of its wait
        (void)cancel_wait(cpu, base.active(), Error::Gone);  // it becomes idle, here or by whoever was faster
        break;
      case Chain::Idle:
        // acq_rel: nobody gives it time from here on, and its registers are whole.
        if (!base.state.compare_exchange_strong(state, RunState(Chain::Running, cpu.id),
                                                std::memory_order_acq_rel))
          break;
        context.request.store(request, std::memory_order_relaxed);
        release_chain(cpu, base);
        break;
      case Chain::Pooled:
        (void)leave_pool(context);
        break;
      case Chain::Serving:
        return false;  // just being started, called or sent back to its pool
      default:
        context.request.store(Request::None, std::memory_order_relaxed);
        return true;
    }
  }
  return false;
}

}  // namespace

void evict(Cpu& cpu, Context& context) {
  const auto state = context.state.load(std::memory_order_acquire);
  if (state.chain() == Chain::Running) prompt(cpu, state);
}

bool stop(Cpu& cpu, Context& context) { return bring_about(cpu, context, Request::Stop); }
void abandon(Cpu& cpu, Context& caller) { (void)bring_about(cpu, caller, Request::Abandon); }

}  // namespace fb::kernel::sched

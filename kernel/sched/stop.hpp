// Taking time away from a context for good (C2.05: "running contexts stop").
#pragma once

#include "kernel/sched/slices.hpp"

namespace fb::kernel::sched {

/// True when something is to be done to a context of this chain.
inline bool is_wanted(const Context& root) {
  for (const Context* at = &root; at != nullptr; at = at->callee) {
    if (at->request.load(std::memory_order_acquire) != object::Request::None) return true;
  }
  return false;
}

/// Nobody gives it time before it is started again.
inline bool is_stopped(const Context& context) {
  const auto chain = context.state.load(std::memory_order_acquire).chain();
  return chain == Chain::Stopped || chain == Chain::Dead;
}

// The three below ask for something and never wait: CPUs that waited for each other's contexts, or for a grace period
// meanwhile, would wait for ever. Whoever has the chain does it at its next `choose`; this CPU too, which is told to look.
// The caller asks again after a preemption point. No lock is held.

/// Stops `context` wherever it is: what it waited for is cancelled, the calls it made are abandoned (their servers go
/// back to their pools), the caller it serves gets GONE, or FAULTED. True: it is stopped. False: it will be.
bool stop(Cpu& cpu, Context& context);

/// Ends the gate call that `caller` has made: it comes back with REVOKED, the server goes back to its pool.
void abandon(Cpu& cpu, Context& caller);

/// Ends a run of `context`, which may be run again.
void evict(Cpu& cpu, Context& context);

/// `context` will perhaps get no time: this CPU does the clean-up that it owes.
void adopt(Cpu& cpu, Context& context);

/// This CPU has the chain of `root` (Running here). Does what was asked of those that it has called, and of their calls:
/// the chain goes on below them, with an error for the caller.
void settle_calls(Cpu& cpu, Context& root);

/// This CPU has the chain of `root` (Running here) and lets go of it: it becomes Idle, or what was asked for is done to it.
void release_chain(Cpu& cpu, Context& root);

/// Puts a server context whose call is over into its gate's pool; without a gate it is stopped.
[[gnu::always_inline]] inline void return_to_pool(Context& server) {
  object::Gate* gate = server.gate;
  if (gate == nullptr) [[unlikely]]
    return server.state.store(RunState(Chain::Stopped), std::memory_order_release);
  const core::Guard guard(gate->pool_lock);
  server.state.store(RunState(Chain::Pooled), std::memory_order_relaxed);  // the lock orders it
  server.next_in_pool = gate->pool;
  gate->pool = &server;
}

}  // namespace fb::kernel::sched

// The end of capabilities and objects, in steps that may be preempted (CAP-3; DESIGN §5 "The laws").
#pragma once

#include "kernel/object/kernel.hpp"

namespace fb::kernel::reap {

using object::Cleanup;
using object::Context;
using object::Cpu;
using object::Entry;

/// Ends `entry` and all below it, at once and everywhere; after the grace period in here nobody acts on them any more.
/// What is to be cleaned up is queued in `cleanup`, which has no handle pending. False: somebody else was faster.
bool end(Cpu& cpu, Cleanup& cleanup, Entry& entry);

/// The same for the creating capability of `object`, wherever that is.
bool end_creating(Cpu& cpu, Cleanup& cleanup, object::Object& object);
/// The use of a _ONCE capability is over: if it succeeded, it ends as by `end`; else it is whole again (CAP-5).
bool settle(Cpu& cpu, Cleanup& cleanup, Entry& entry, bool succeeded);

/// Works off what `context` owes. False: something else wants this CPU first; ask again who should run.
bool work(Cpu& cpu, Context& context);
/// There is clean-up that no context with time of its own will do.
inline bool others_wait(Cpu& cpu) { return cpu.leftover.pending() || !cpu.orphans.empty(); }
/// Takes some steps of clean-up that no context with time of its own will do.
void work_for_others(Cpu& cpu);

}  // namespace fb::kernel::reap

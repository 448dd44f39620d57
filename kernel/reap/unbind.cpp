#include "kernel/reap/unbind.hpp"

#include "kernel/sched/kick.hpp"
#include "kernel/sched/signal.hpp"
#include "kernel/sched/stop.hpp"

namespace fb::kernel::reap {
namespace {

using core::list::owner_of;
using object::Binding;
using object::Context;
using object::Cpu;
using object::ObjectType;

constexpr unsigned kAtOnce = 16;

/// A mapping: the page goes from its address space, whose TLBs are shot down afterwards, one space at a time.
bool unmap(Cpu& cpu, Binding& mapping, Aftermath& aftermath) {
  const auto place = cpu.kernel->table_machine.place_of(&mapping);
  auto& space = *static_cast<object::AddressSpace*>(place.owner);
  if (aftermath.flush != nullptr && aftermath.flush != &space) return false;
  aftermath.flush = &space;
  const core::Guard guard(space.table_lock);
  mapping.detach();
  (void)space.tables.unmap(place.address, aftermath.tables);
  return true;
}

/// Everything but mappings. False: the caller must stop the context named in `aftermath` first.
bool undo(Cpu& cpu, Binding& binding, Aftermath& aftermath) {
  switch (binding.kind) {
    case Binding::Kind::ContextSpace: {
      auto& context = owner_of(binding, &Context::space_binding);
      if (context.space != nullptr)
        context.lose_space(cpu.kernel->tables->root());  // nobody starts it without one
      if (!sched::is_stopped(context)) {
        aftermath.stop = &context;
        return false;
      }
      break;
    }
    case Binding::Kind::ContextArea: {
      auto& context = owner_of(binding, &Context::area_binding);
      if (context.area != nullptr) {
        aftermath.stop = &context;
        aftermath.drop_area = true;
        return false;
      }
      break;
    }
    case Binding::Kind::ContextEvent: {
      auto& context = owner_of(binding, &Context::event_binding);
      const core::Guard guard(context.event->set_lock);
      if (context.event->carrier == &context) context.event->carrier = nullptr;
      context.event = nullptr;
      break;
    }
    case Binding::Kind::EventWaiter:
      (void)sched::cancel_wait(cpu, owner_of(binding, &Context::wait_binding), core::Error::Revoked);
      break;
    case Binding::Kind::Watch:
      sched::end_watch(cpu, owner_of(owner_of(binding, &object::Watch::binding), &object::AsyncOp::watch),
                       core::Error::Revoked);
      break;
    case Binding::Kind::Source:
      owner_of(binding, &object::Source::binding).event = nullptr;
      break;
    default:
      break;
  }
  binding.detach();
  return true;
}

/// A CPU runs `context` by this capability. What another CPU's levels say may be out of date: then it ends a run too many.
bool runs_by(const Cpu& cpu, const Context& context, const object::Entry& entry) {
  const auto state = context.state.load(std::memory_order_seq_cst);
  if (state.chain() != object::Chain::Running) return false;
  const Cpu& on = *cpu.kernel->cpus[state.cpu().raw()];
  for (unsigned i = 1; i <= on.depth(); ++i) {
    if (on.levels[i].root_head == &context && on.levels[i].via == &entry) return true;
  }
  return false;
}

/// Callers that are inside a gate by way of this capability come back with REVOKED; who runs by it, stops.
bool release_users(Cpu& cpu, object::Entry& entry, Aftermath& aftermath) {
  auto& object = *static_cast<object::Object*>(object::CapTree::object_of(&entry));
  if (object.kind() == ObjectType::Context) {
    auto& context = static_cast<Context&>(object);
    if (!runs_by(cpu, context, entry)) {
      context.evicted.store(false, std::memory_order_relaxed);  // it may have stopped by itself
      return true;
    }
    context.evicted.store(true, std::memory_order_seq_cst);
    aftermath.evict = &context;
    return false;
  }
  if (object.kind() != ObjectType::Gate) return true;
  for (auto& server : static_cast<object::Gate&>(object).servers) {
    if (server.called_via != &entry || server.caller == nullptr) continue;
    aftermath.abandon = server.caller;
    return false;
  }
  return true;
}

}  // namespace

bool unbind(Cpu& cpu, object::Entry& entry, Aftermath& aftermath) {
  for (unsigned i = 0; i < kAtOnce; ++i) {
    auto* binding = static_cast<Binding*>(entry.bindings);
    if (binding == nullptr) return release_users(cpu, entry, aftermath);
    const bool done = binding->kind == Binding::Kind::Mapping ? unmap(cpu, *binding, aftermath)
                                                              : undo(cpu, *binding, aftermath);
    if (!done) return false;
  }
  return false;
}

void finish(Cpu& cpu, Aftermath& aftermath) {
  if (aftermath.flush != nullptr) {
    sched::shoot_down(cpu, *aftermath.flush);
    aftermath.tables.drain();
    aftermath.flush = nullptr;
  }
  if (Context* context = aftermath.stop; context != nullptr) {
    auto stopped = object::RunState(object::Chain::Stopped);
    // Claimed, so that nobody starts it meanwhile.
    if (sched::stop(cpu, *context) && aftermath.drop_area &&
        context->state.compare_exchange_strong(stopped, object::RunState(object::Chain::Serving),
                                               std::memory_order_acq_rel)) {
      context->frame = &context->registers;  // nothing of the kernel points into those pages any more
      context->area = nullptr;
      context->ring = nullptr;
      context->state.store(object::RunState(object::Chain::Stopped), std::memory_order_release);
    }
    aftermath.stop = nullptr;
    aftermath.drop_area = false;
  }
  if (aftermath.abandon != nullptr) {
    sched::abandon(cpu, *aftermath.abandon);
    aftermath.abandon = nullptr;
  }
  if (aftermath.evict != nullptr) {
    sched::evict(cpu, *aftermath.evict);
    aftermath.evict = nullptr;
  }
}

}  // namespace fb::kernel::reap

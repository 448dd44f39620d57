#include "kernel/reap/destroy.hpp"

#include <utility>

#include "kernel/arch/x86_64/panic.hpp"
#include "kernel/object/mapping.hpp"
#include "kernel/reap/unbind.hpp"
#include "kernel/sched/kick.hpp"
#include "kernel/sched/signal.hpp"
#include "kernel/sched/stop.hpp"

namespace fb::kernel::reap {
namespace {

using core::PageCount;
using object::AddressSpace;
using object::Budget;
using object::Chain;
using object::Domain;
using object::Gate;
using object::Object;
using object::ObjectType;
using object::RunState;

constexpr unsigned kPagesAtOnce = 16, kChunksAtOnce = 8;

bool destroy_pages(Cpu& cpu, object::Pages& pages) {
  if (pages.paid_for) pages.payer->account.give_frames(cpu.kernel->memory, pages.first, pages.count);
  return true;
}

/// Takes the next mapping away. False when there is none left.
bool unmap_next(AddressSpace& space, mem::TableMachine& machine, mem::DetachedTables& tables) {
  {
    const core::Guard guard(space.table_lock);
    if (!space.tables.next(space.torn_down, core::mem::Steps(kPagesAtOnce * 4)))
      return space.torn_down.raw() < core::kUserEnd;
  }
  (void)object::unmap_page(space, machine, space.torn_down,
                           tables);  // may have gone with its capability just now
  return true;
}

bool destroy_space(Cpu& cpu, AddressSpace& space) {
  mem::DetachedTables tables(cpu.kernel->table_machine);
  bool more = true, loaded = false;
  for (unsigned i = 0; i < kPagesAtOnce && more; ++i)
    more = unmap_next(space, cpu.kernel->table_machine, tables);
  if (!more) {
    const auto root = space.root.raw();
    // Idle CPUs may still have it loaded.
    for (unsigned i = 0; i < cpu.kernel->cpu_count.load(std::memory_order_relaxed); ++i) {
      Cpu& other = *cpu.kernel->cpus[i];
      if (&other == &cpu) {
        if (cpu.root.load(std::memory_order_relaxed) == root) sched::switch_space(cpu, nullptr);
        continue;
      }
      if (other.root.load(std::memory_order_acquire) != root) continue;
      sched::kick(other);  // it may be waiting for us: we come back
      loaded = true;
    }
  } else {
    sched::shoot_down(cpu, space);
  }
  tables.drain();
  if (more || loaded) return false;
  space.payer->account.give_frames(cpu.kernel->memory, space.root.frame(), PageCount(1));
  return true;
}

void forget_orphan(Cpu& cpu, Context& context) {
  for (unsigned i = 0; i < cpu.kernel->cpu_count.load(std::memory_order_relaxed); ++i) {
    Cpu& other = *cpu.kernel->cpus[i];
    const core::Guard guard(other.orphan_lock);
    if (context.orphan.linked() && context.orphan_of == &other) other.orphans.remove(context);
  }
}

/// True while a stopped context has clean-up of its own to finish, of which this takes a step.
bool owes(Cpu& cpu, const Cleanup& cleanup, Context& context) {
  if (&context.cleanup == &cleanup) return false;
  // Looked at by its holder only: what is just being taken apart is not in the queue, and will be again.
  if (context.cleaning.exchange(true, std::memory_order_acquire)) return true;
  const bool pending = context.cleanup.pending();
  if (pending) (void)step(cpu, context.cleanup);
  context.cleaning.store(false, std::memory_order_release);
  return pending;
}

/// Stopped for good, with its own clean-up finished. A CPU that has just put it down may still look at it.
Destroyed end_context(Cpu& cpu, const Cleanup& cleanup, Context& context) {
  if (!sched::stop(cpu, context)) return Destroyed::Again;
  if (owes(cpu, cleanup, context)) return Destroyed::Again;
  auto stopped = RunState(Chain::Stopped);
  if (!context.state.compare_exchange_strong(stopped, RunState(Chain::Dead), std::memory_order_acq_rel))
    return Destroyed::Again;
  if (object::Event* event = context.event;
      event != nullptr) {  // signals look at their carrier without a lock
    const core::Guard guard(event->set_lock);
    if (event->carrier == &context) event->carrier = nullptr;
  }
  return Destroyed::Grace;
}

Destroyed destroy_context(Cpu& cpu, const Cleanup& cleanup, Context& context) {
  if (context.state.load(std::memory_order_acquire).chain() != Chain::Dead)
    return end_context(cpu, cleanup, context);
  forget_orphan(cpu, context);
  if (!context.slots.empty()) {
    Cpu& home = *cpu.kernel->cpus[context.home.raw()];
    const core::Guard guard(home.slice_lock);
    for (auto left = context.slots; !left.empty(); left = left.without(core::sched::lowest(left)))
      home.slices.clear(core::sched::lowest(left));
  }
  if (context.slice_budget != nullptr) {
    const core::Guard guard(cpu.kernel->budget_lock);
    (void)context.slice_budget->account.books.refund_slots(context.home, context.slots);
  }
  if (Cpu* holder = context.vector_on.load(std::memory_order_acquire)) sched::fetch_vector(cpu, *holder);
  object::release(context.area_binding);
  object::release(context.space_binding);
  object::release(context.event_binding);
  object::release(context.wait_binding);
  if (context.domain != nullptr && context.in_domain.linked()) {
    const core::Guard guard(context.domain->lock);
    context.domain->contexts.remove(context);
  }
  if (context.gate != nullptr) {
    const core::Guard guard(context.gate->lock);
    context.gate->servers.remove(context);
  }
  auto& account = context.payer->account;
  if (context.vector_area != nullptr)
    account.give_frames(cpu.kernel->memory, arch::direct_to_physical(context.vector_area).frame(),
                        PageCount(1));
  return Destroyed::Done;
}

bool destroy_gate(Cpu& cpu, Gate& gate) {
  Context* server = nullptr;
  {
    const core::Guard guard(gate.lock);
    server = gate.servers.front();
  }
  if (server == nullptr) return true;
  if (!sched::stop(cpu, *server)) return false;
  const core::Guard guard(gate.lock);
  if (gate.servers.remove(*server)) server->gate = nullptr;
  return false;
}

bool destroy_domain(Cpu& cpu, Cleanup& cleanup, Domain& domain) {
  Context* context = nullptr;
  {
    const core::Guard guard(domain.lock);
    context = domain.contexts.front();
  }
  if (context != nullptr) {
    // Pages that it was getting get their capability in this domain before that is taken apart.
    if (!sched::stop(cpu, *context) || owes(cpu, cleanup, *context)) return false;
    const core::Guard guard(domain.lock);
    if (domain.contexts.remove(*context)) context->domain = nullptr;
    return false;
  }
  Aftermath aftermath(cpu.kernel->table_machine);
  const auto undo = [&](Entry* entry) { return unbind(cpu, *entry, aftermath); };
  const auto doom = [&](object::CapSpace::Header& header) {
    cleanup.push(static_cast<Object&>(header), true);
  };
  const auto next = domain.teardown.step(undo, doom);
  finish(cpu, aftermath);
  using Next = core::cap::Teardown<object::CapMachine>::Next;
  if (next == Next::Grace) sched::wait_for_grace(cpu);
  if (next != Next::Done) return false;
  auto& account = domain.budget->account;
  for (unsigned i = 0; i < kChunksAtOnce; ++i) {
    Entry* chunk = domain.space.take_chunk();
    if (chunk == nullptr) break;
    account.give_frames(cpu.kernel->memory, arch::direct_to_physical(chunk).frame(), PageCount(1));
  }
  if (domain.space.chunk_count() != 0) return false;
  account.give_frames(cpu.kernel->memory, arch::direct_to_physical(domain.space.directory()).frame(),
                      PageCount(1));
  const core::Guard guard(cpu.kernel->budget_lock);
  domain.budget->domains.remove(domain);
  return true;
}

/// Domains that live on it and budgets below it end first, one after the other.
bool destroy_budget(Cpu& cpu, Budget& budget) {
  if (budget.victims.pending()) {
    (void)step(cpu, budget.victims);
    return false;
  }
  Object* next = nullptr;
  {
    const core::Guard guard(cpu.kernel->budget_lock);
    if (auto* domain = budget.domains.front())
      next = domain;
    else if (auto* child = budget.children.front())
      next = child;
  }
  if (next != nullptr) {
    end_creating(cpu, budget.victims, *next);  // if somebody else was faster, it goes with that
    return false;
  }
  const core::Guard guard(cpu.kernel->budget_lock);
  if (budget.account.books.used() != PageCount(0))
    return false;  // its last objects are in other hands just now
  for (unsigned i = 0; i < core::budget::kMaxCpus; ++i) {
    const auto held = budget.account.books.slots(core::CpuId(i)).held;
    if (!held.empty())
      (void)budget.parent->account.books.reclaim_slots(budget.account.books, core::CpuId(i), held);
  }
  arch::require(budget.parent->account.books.close(budget.account.books).has_value(),
                "a budget ended with its books open");
  budget.parent->children.remove(budget);
  return true;
}

/// All but contexts. True when it is gone.
bool destroy_some(Cpu& cpu, Cleanup& cleanup, Object& object) {
  switch (object.kind()) {
    case ObjectType::Pages:
      return destroy_pages(cpu, static_cast<object::Pages&>(object));
    case ObjectType::AddressSpace:
      return destroy_space(cpu, static_cast<AddressSpace&>(object));
    case ObjectType::Gate:
      return destroy_gate(cpu, static_cast<Gate&>(object));
    case ObjectType::Domain:
      return destroy_domain(cpu, cleanup, static_cast<Domain&>(object));
    case ObjectType::Budget:
      return destroy_budget(cpu, static_cast<Budget&>(object));
    case ObjectType::Timer:
      object::release(static_cast<object::Timer&>(object).source.binding);
      return true;
    case ObjectType::Device:
      object::release(static_cast<object::Device&>(object).source.binding);
      return true;
    case ObjectType::AsyncOp: {
      auto& op = static_cast<object::AsyncOp&>(object);
      object::release(op.watch.binding);
      object::release(op.source.binding);
      return true;
    }
    default:
      return true;
  }
}

/// Takes an object out of what CPUs find it by without a capability: timers, interrupts, watches. One that has found it
/// may still be at it. False: there is no such thing.
bool unlink(Cpu& cpu, Object& object) {
  switch (object.kind()) {
    case ObjectType::Timer:
      sched::arm_timer(cpu, static_cast<object::Timer&>(object), Cpu::kIdleDeadline, core::Ticks(0));
      return true;
    case ObjectType::Device:
      cpu.kernel->devices[static_cast<object::Device&>(object).number].store(nullptr,
                                                                             std::memory_order_release);
      return true;
    case ObjectType::AsyncOp: {
      auto& op = static_cast<object::AsyncOp&>(object);
      sched::end_watch(cpu, op, core::Error::Gone);
      if (op.outcome.cancel()) sched::completed(cpu, op);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

Destroyed destroy_step(Cpu& cpu, Cleanup& cleanup, Object& object) {
  if (object.kind() == ObjectType::Context)
    return destroy_context(cpu, cleanup, static_cast<Context&>(object));
  if (!std::exchange(object.unlinked, true) && unlink(cpu, object)) return Destroyed::Grace;
  return destroy_some(cpu, cleanup, object) ? Destroyed::Done : Destroyed::Again;
}

}  // namespace fb::kernel::reap

#include "kernel/syscall/calls.hpp"

namespace fb::kernel::syscall {

using object::Budget;

Result<Handle> Calls::domain_create(Ref<Budget> budget, core::cap::Authorities wanted) {
  if (!wanted.within(domain().authorities)) return core::fail(Error::Authority);  // CAP-8
  FB_ASSIGN(const auto made, object::prepare<Domain>(*kernel, domain(), *budget, wanted));
  if (const auto furnished = object::furnish(*kernel, *made.object); !furnished) {
    object::discard(*kernel, domain(), made);
    return core::fail(furnished.error());
  }
  {
    const core::Guard guard(kernel->budget_lock);
    budget->domains.push_back(*made.object);
  }
  return Handle(object::publish(made, object::creating_rights(ObjectType::Domain)).raw());
}

Result<Handle> Calls::budget_create(Ref<Budget> parent, PageCount pages) {
  if (pages > core::budget::kMaxPages) return core::fail(Error::NoMemory);
  if (parent->depth + 1 >= object::kMaxBudgetDepth) return core::fail(Error::TooDeep);
  FB_ASSIGN(const auto made, object::prepare<Budget>(*kernel, domain(), parent.object, parent->depth + 1));
  Result<> created{};
  {
    const core::Guard guard(kernel->budget_lock);
    created = parent->account.books.create_child(made.object->account.books, pages);
    if (created) parent->children.push_back(*made.object);
  }
  if (!created) {
    object::discard(*kernel, domain(), made);
    return core::fail(created.error());
  }
  return Handle(object::publish(made, object::creating_rights(ObjectType::Budget)).raw());
}

Result<> Calls::budget_lend_slots(Ref<Budget> child, Ref<Budget> parent, core::CpuId cpu,
                                  abi::EventBits slots) {
  const core::Guard guard(kernel->budget_lock);
  if (child->parent != parent.object) return core::fail(Error::BadArgument);
  return parent->account.books.lend_slots(child->account.books, cpu, core::sched::SlotMask(slots.raw()));
}

Result<Word> Calls::budget_query(Ref<Budget> budget) {
  const auto& books = budget->account.books;
  return (books.used() + books.lent()).raw() | books.limit().raw() << 32;
}

Result<> Calls::slice_assign(Ref<Budget> budget, core::CpuId cpu, abi::Slot number, Ref<Context> context) {
  FB_ASSIGN(const auto slot, core::sched::Slot::from(number.raw()));
  Cpu& target = *kernel->cpus[cpu.raw()];
  const core::sched::SlotMask mask(slot);
  const core::Guard guard(target.slice_lock);
  const core::Guard books(kernel->budget_lock);
  if (!budget->account.books.slots(cpu).held.has(mask)) return core::fail(Error::NoSlices);
  if (!context) {
    Context* owner = target.slices.owner(slot);
    if (owner == nullptr || owner->slice_budget != budget.object) return core::fail(Error::NoSlices);
    owner->slots = owner->slots.without(mask);
    target.slices.clear(slot);
    return budget->account.books.refund_slots(cpu, mask);
  }
  if (context->reflecting) return core::fail(Error::WrongType);
  const bool other_cpu =
      !context->slots.empty() && (context->home != cpu || context->slice_budget != budget.object);
  if (other_cpu || context->state.load(std::memory_order_acquire).chain() == object::Chain::Dead)
    return core::fail(Error::Busy);
  if (target.slices.owner(slot) != nullptr) return core::fail(Error::Busy);
  FB_TRY(budget->account.books.charge_slots(cpu, mask));
  context->home = cpu;
  context->slice_budget = budget.object;
  context->slots = context->slots.join(mask);
  (void)target.slices.assign(slot, *context);
  const auto chain = context->state.load(std::memory_order_acquire).chain();
  if (chain == object::Chain::Idle || chain == object::Chain::Running) {
    target.slices.set_ready(mask, true);
    if (&target != this) sched::kick(target);
  }
  return {};
}

}  // namespace fb::kernel::syscall

#include "tests/system/harness/objects.hpp"

namespace fb::test {

Objects::Objects(Where where) {
  const auto& e = environment();
  const auto budget = need(calls::budget_create(e.budget, PageCount(32)), where);
  at(T::Budget) = budget.raw();
  const auto domain = need(calls::domain_create(budget, core::cap::ceiling(core::cap::Zone::User)), where);
  at(T::Domain) = domain.raw();
  const auto space = need(calls::address_space_create(), where);
  at(T::AddressSpace) = space.raw();
  const auto pages = need(calls::alloc_mem_pages(PageCount(2), abi::PageFlags(abi::PageFlag::Shared)), where);
  at(T::Pages) = pages.raw();
  at(T::Context) = need(calls::alloc_cpu_context(domain, space, pages, abi::ContextFlags{}), where).raw();
  at(T::Gate) = need(calls::gate_create(domain, VirtAddr(0x400000), 7), where).raw();
  const auto event = need(calls::event_create(), where);
  at(T::Event) = event.raw();
  at(T::Timer) = need(calls::timer_create(event, abi::Bit(3)), where).raw();
  at(T::Device) = need(calls::device_get_cap(kSpareDevice), where).raw();
  at(T::AsyncOp) = need(calls::submit_async_op(abi::AsyncKind::Server, {}, abi::Bit(0)), where).raw();
}

Objects::~Objects() {
  // Users before what they use; the budget last.
  for (const T type : {T::AsyncOp, T::Device, T::Timer, T::Event, T::Gate, T::Context, T::AddressSpace,
                       T::Pages, T::Domain, T::Budget}) {
    if (at(type) != 0) static_cast<void>(calls::cap_drop(Cap<T::Any>(at(type))));
  }
}

}  // namespace fb::test

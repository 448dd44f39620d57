// CAP-8, ceilings: no sequence of calls lifts a domain above its zone's authority.
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

using core::cap::Authorities;
using core::cap::Authority;

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }

enum Given : std::size_t { kBudget, kDomain, kSpace, kContext };

/// A child under `ceiling`, with full capabilities to its own budget and domain.
void with_child(Authorities ceiling, void (*body)(Start&)) {
  const auto all = core::cap::kAllRights.without(Rights(Right::Once));
  Child child({.pages = PageCount(64), .authorities = ceiling});
  Worker worker({.child = &child}), idle({.child = &child, .slice = false});
  auto& h = worker.start().handles;
  h[kBudget] = child.give(child.budget(), all);
  h[kDomain] = child.give(child.domain(), all);
  h[kSpace] = child.give(child.space(), all);
  h[kContext] = child.give(idle.context(), all);
  worker.run(body, ceiling.raw());
  worker.join_returned();
}

/// What the ceiling in `argument` says about each gated call.
void try_gated(Start& start) {
  const Authorities mine(start.argument);
  const auto expect = [&](Raw answer, Authority needed, const char* what) {
    const bool allowed = mine.has(needed);
    const bool refused = answer.error() == Error::Authority;
    if (allowed != refused) return;
    diag(what, " under ", core::text::hex(start.argument), ": ", core::name_of(answer.error()));
    report_failure(Where::current(), "the ceiling does not decide");
  };
  expect(raw(CallNumber::AddressSpaceCreate), Authority::MemoryVirt, "address_space_create");
  expect(raw(CallNumber::DomainCreate, start.handles[kBudget], 0), Authority::ProcessCreate, "domain_create");
  expect(raw(CallNumber::SliceAssign, start.handles[kBudget], 0, 40, start.handles[kContext]),
         Authority::Scheduler, "slice_assign");
  for (std::uint64_t device = 0; device != 6; ++device) {
    expect(raw(CallNumber::DeviceGetCap, device), Authority::Hardware, "device_get_cap");
  }
}

/// Children of it have at most its authorities, and theirs at most theirs, for every set of one and of two bits.
void try_climbing(Start& start) {
  const Authorities mine(start.argument);
  for (unsigned a = 0; a != 22; ++a) {
    for (unsigned b = 0; b <= a; ++b) {
      const Authorities wanted((std::uint64_t{1} << a | std::uint64_t{1} << b) &
                               core::cap::ceiling(core::cap::Zone::Kernel).raw());
      const auto answer = raw(CallNumber::DomainCreate, start.handles[kBudget], wanted.raw());
      if (mine.has(Authority::ProcessCreate) && wanted.within(mine)) {
        CHECK(answer.ok());
        if (answer.ok()) drop(answer.value);
      } else {
        CHECK_EQ(answer.error(), Error::Authority);
      }
    }
  }
  for (unsigned bit = 22; bit != 64; ++bit) {
    const auto answer = raw(CallNumber::DomainCreate, start.handles[kBudget], std::uint64_t{1} << bit);
    CHECK(answer.error() == Error::BadArgument || answer.error() == Error::Authority);
  }
}

}  // namespace

TEST("CAP-8: gated calls need their authority, for every single one left out") {
  const auto all = core::cap::ceiling(core::cap::Zone::Kernel);
  with_child(Authorities(), &try_gated);
  for (unsigned bit = 0; bit != 22; ++bit) {
    const std::uint64_t one = std::uint64_t{1} << bit;
    if ((all.raw() & one) == 0) continue;
    with_child(Authorities(one), &try_gated);
    with_child(Authorities(all.raw() & ~one), &try_gated);
  }
  with_child(all, &try_gated);
}

TEST("CAP-8: a domain gives its children nothing that it has not") {
  const auto all = core::cap::ceiling(core::cap::Zone::Kernel);
  with_child(Authorities(), &try_climbing);
  with_child(core::cap::ceiling(core::cap::Zone::User), &try_climbing);
  with_child(core::cap::ceiling(core::cap::Zone::Libos), &try_climbing);
  with_child(Authorities(Authority::ProcessCreate), &try_climbing);
  for (unsigned bit = 0; bit != 22; ++bit) {
    const std::uint64_t one = std::uint64_t{1} << bit;
    if ((all.raw() & one) != 0)
      with_child(Authorities((all.raw() & ~one) | Authorities(Authority::ProcessCreate).raw()),
                 &try_climbing);
  }
}

namespace {

/// A thread in a domain of the child's own making runs under that domain's ceiling: it must not find more there.
void try_through_grandchild(Start& start) {
  const Authorities mine(start.argument);
  const auto domain = raw(CallNumber::DomainCreate, start.handles[kBudget], mine.raw());
  if (!CHECK(domain.ok())) return;
  // A context of that domain, in this address space, which asks for what neither has.
  const auto context = raw(CallNumber::AllocCpuContext, domain.value, start.handles[kSpace], 0, 0);
  if (!CHECK(context.ok())) return;
  static constinit std::atomic<std::uint64_t> status{~std::uint64_t{0}};
  static constinit char stack[4096];
  const auto entry = +[] {
    status = raw(CallNumber::DeviceGetCap, 1).status;
    for (;;) static_cast<void>(calls::yield());
  };
  status = ~std::uint64_t{0};
  CHECK(raw(CallNumber::ContextStart, context.value, reinterpret_cast<std::uint64_t>(entry),
            reinterpret_cast<std::uint64_t>(stack + sizeof stack - 8), 0)
            .ok());
  // It has no slice: we carry it.
  for (unsigned i = 0; i != 1'000 && status.load() == ~std::uint64_t{0}; ++i) {
    const auto now = calls::get_system_time(abi::Clock::Monotonic).value_or(0);
    const auto run = raw(CallNumber::ContextRun, context.value, now + 10'000'000, 0);
    if (!run.ok()) {
      diag("context_run: ", core::name_of(run.error()));
      break;
    }
  }
  CHECK_EQ(static_cast<Error>(status.load()), Error::Authority);
}

}  // namespace

TEST("CAP-8: nor through a domain of its own making") {
  with_child(core::cap::ceiling(core::cap::Zone::Libos), &try_through_grandchild);
}

TEST("CAP-8: CONTROL over a richer domain is needed to act in it, and nobody below is given that") {
  // A context for the parent's domain cannot be made without a capability to it; the numbers are of no use.
  with_child(core::cap::ceiling(core::cap::Zone::Libos), [](Start& start) {
    for (const std::uint64_t domain :
         {environment().domain.raw(), environment().domain.raw() + 1, std::uint64_t{1} << 32 | 1}) {
      if (domain == start.handles[kDomain]) continue;
      const auto answer = raw(CallNumber::AllocCpuContext, domain, start.handles[kSpace], 0, 0);
      CHECK(!answer.ok());
      const auto gate = raw(CallNumber::GateCreate, domain, 0x400000, 0);
      CHECK(!gate.ok());
    }
  });
}

TEST("CAP-8: a device that is held is given to nobody else") {
  const auto device = need(calls::device_get_cap(1));
  CHECK_FAILS(calls::device_get_cap(1), Error::Busy);
  CHECK_FAILS(calls::device_get_cap(0), Error::Busy);  // the harness has it
  for (const std::uint64_t number : {4ull, 5ull, 255ull, 1ull << 32, ~0ull}) {
    CHECK_FAILS(calls::device_get_cap(number), Error::NotFound);
  }
  drop(device.raw());
  const auto again = need(calls::device_get_cap(1));
  drop(again.raw());
}

// The end of domains, budgets and contexts: everything below goes, every page comes back (CAP-3, CAP-6).
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr auto kAll = core::cap::ceiling(core::cap::Zone::Kernel);
constexpr auto kEvery = core::cap::kAllRights.without(Rights(Right::Once));

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }
std::uint64_t chain_of(Cap<T::Context> context) {
  return calls::context_query(context, 0).value_or(5) & 0xff;
}
constexpr std::uint64_t kWaiting = 3;

enum Given : std::size_t { kDomain, kBudget, kSpace, kEvent, kIdle, kGate, kServer };

constinit std::atomic<std::uint32_t> in_server{0};

/// Enters a server for ever: it takes a call and never answers.
void stay(std::uint64_t) {
  in_server.fetch_add(1);
  for (;;) static_cast<void>(calls::yield());
}

/// Furnishes its domain with one of everything that can be under way when the domain ends.
void settle_in(Start& s) {
  const auto& h = s.handles;
  const auto event = raw(CallNumber::EventCreate).value;
  for (unsigned i = 0; i != 8; ++i) {
    const auto timer = raw(CallNumber::TimerCreate, event, i).value;
    // One for much later, one that fires all the time.
    CHECK(raw(CallNumber::TimerArm, timer, i % 2 == 0 ? ~0ull >> 2 : 1, i % 2 == 0 ? 0 : 100'000).ok());
  }
  s.area->async.word = ~0ull >> 2;
  for (unsigned i = 0; i != 4; ++i) CHECK(raw(CallNumber::SubmitAsyncOp, i % 2 == 0 ? 0 : 3, event, 9).ok());
  const auto device = raw(CallNumber::DeviceGetCap, 1);
  if (device.ok()) static_cast<void>(raw(CallNumber::DeviceBindInterrupt, device.value, event, 12));
  // Children, with children, and pages mapped in spaces of their own.
  const auto budget = raw(CallNumber::BudgetCreate, h[kBudget], 12).value;
  const auto child = raw(CallNumber::DomainCreate, budget, 0);
  CHECK(child.ok());
  CHECK(raw(CallNumber::CapDerive, event, 0xff0, child.value).ok() || true);
  const auto below = raw(CallNumber::BudgetCreate, budget, 4).value;
  CHECK(raw(CallNumber::DomainCreate, below, 0).ok());
  const auto space = raw(CallNumber::AddressSpaceCreate).value;
  const auto pages = raw(CallNumber::AllocMemPages, 3, 1).value;
  CHECK(raw(CallNumber::MapPages, space, pages, 0x1000'0000, 0, 3, 3).ok());
  CHECK(raw(CallNumber::AllocCpuContext, child.value, space, pages, 0).ok());
  CHECK(raw(CallNumber::AllocCpuContext, 0, space, pages, 1).ok());
  CHECK(raw(CallNumber::AllocCpuContext, h[kDomain], space, 0, 2).ok());
  CHECK(raw(CallNumber::GateCreate, child.value, 0x400000, 3).ok());
  s.shared[0] = 1;
  // And waits for what never comes.
  for (;;) static_cast<void>(raw(CallNumber::EventWait, event, 1ull << 40, ~0ull));
}

void wait_in_gate(Start& s) {
  s.shared[0] = 1;
  s.shared[1] = raw(CallNumber::CapInvoke, s.handles[kGate], 1, 2, 3, 4, 5).status;
}

/// One life of a domain with everything, ended as `end` does it.
template <class EndIt>
void live_and_die(EndIt end) {
  in_server = 0;
  Child child({.pages = PageCount(120), .authorities = kAll});
  Worker busy({.cpu = core::CpuId(1 % cpus()), .child = &child});
  Worker caller({.cpu = core::CpuId(2 % cpus()), .child = &child});
  Worker server({.child = &child, .slice = false});
  Worker spinner({.cpu = core::CpuId(3 % cpus()), .child = &child});
  auto& h = busy.start().handles;
  h[kDomain] = child.give(child.domain(), kEvery);
  h[kBudget] = child.give(child.budget(), kEvery);
  const auto gate =
      need(calls::gate_create(child.domain(), VirtAddr(reinterpret_cast<std::uint64_t>(&stay)), 0));
  need(calls::gate_add_server(gate, server.context(), core::VirtAddr(server.stack_top().raw() - 8)));
  caller.start().handles[kGate] = child.give(gate, Rights(Right::Invoke));
  busy.run(&settle_in);
  caller.run(&wait_in_gate);
  spinner.run([](Start&) {
    for (;;) {
    }
  });
  spin_until([&] {
    return busy.start().shared[0] != 0 && chain_of(busy.context()) == kWaiting && in_server.load() != 0;
  });
  end(child);
  // Whatever was inside has stopped.
  for (Worker* worker : {&busy, &caller, &spinner}) CHECK_EQ(worker->join(), End::Stopped);
  drop(gate.raw());
}

template <class EndIt>
void cycles(unsigned count, EndIt end) {
  grow_space(300);
  live_and_die(end);  // whatever is made once
  const auto before = books();
  for (unsigned i = 0; i != count && failures() == 0; ++i) live_and_die(end);
  check_books(before);
}

}  // namespace

TEST("domains: 200 lives of a domain with everything under way leave the books as they were") {
  cycles(200, [](Child& child) {
    CHECK_OK(calls::cap_drop(child.domain()));
    child.forget_domain();
  });
}

TEST("domains: destroying the budget destroys the domains that live on it") {
  cycles(30, [](Child& child) {
    CHECK_OK(calls::cap_drop(child.budget()));
    CHECK(!is_valid(child.domain().raw()));
    child.forget_budget();
    child.forget_domain();
  });
}

TEST("domains: revoking instead of dropping is the same") {
  cycles(20, [](Child& child) {
    CHECK_OK(calls::cap_revoke(child.domain()));
    child.forget_domain();
  });
}

TEST("domains: a domain that revokes while it is destroyed") {
  grow_space(200);
  const auto life = [](unsigned delay) {
    Child child({.pages = PageCount(100), .authorities = kAll});
    Worker a({.cpu = core::CpuId(1 % cpus()), .child = &child}),
        b({.cpu = core::CpuId(2 % cpus()), .child = &child});
    for (Worker* worker : {&a, &b}) {
      worker->start().handles[kBudget] = child.give(child.budget(), kEvery);
      worker->run([](Start& s) {
        for (;;) {
          const auto event = raw(CallNumber::EventCreate).value;
          auto at = event;
          for (unsigned i = 0; i != 20; ++i) {
            at = raw(CallNumber::CapDerive, at, kEvery.raw()).value;
            static_cast<void>(raw(CallNumber::CapDerive, at, kEvery.raw()));
          }
          const auto budget = raw(CallNumber::BudgetCreate, s.handles[kBudget], 8).value;
          static_cast<void>(raw(CallNumber::DomainCreate, budget, 0));
          s.shared[0].fetch_add(1);
          static_cast<void>(raw(CallNumber::CapRevoke, event));
          static_cast<void>(raw(CallNumber::CapRevoke, budget));
        }
      });
    }
    spin_until([&] { return a.start().shared[0] > delay && b.start().shared[0] != 0; });
    child.destroy();
    CHECK_EQ(a.join(), End::Stopped);
    CHECK_EQ(b.join(), End::Stopped);
  };
  life(1);
  const auto before = books();
  for (unsigned i = 0; i != 25 && failures() == 0; ++i) life(i % 7);
  check_books(before);
}

TEST("domains: two domains that destroy each other's objects as both are destroyed") {
  grow_space(200);
  const auto life = [] {
    Child a({.pages = PageCount(60), .authorities = kAll}), b({.pages = PageCount(60), .authorities = kAll});
    Worker in_a({.cpu = core::CpuId(1 % cpus()), .child = &a}),
        in_b({.cpu = core::CpuId(2 % cpus()), .child = &b});
    in_a.start().handles[kDomain] = a.give(b.domain(), kEvery);
    in_b.start().handles[kDomain] = b.give(a.domain(), kEvery);
    for (Worker* worker : {&in_a, &in_b}) {
      worker->run([](Start& s) {
        for (;;) {
          const auto event = raw(CallNumber::EventCreate).value;
          // In the other domain, and from there the roots of nothing: all of it ends here.
          for (unsigned i = 0; i != 10; ++i)
            static_cast<void>(raw(CallNumber::CapDerive, event, kEvery.raw(), s.handles[kDomain]));
          s.shared[0].fetch_add(1);
          static_cast<void>(raw(CallNumber::CapDrop, event));
        }
      });
    }
    spin_until([&] { return in_a.start().shared[0] > 2 && in_b.start().shared[0] > 2; });
    a.destroy();
    CHECK_EQ(in_a.join(), End::Stopped);
    b.destroy();
    CHECK_EQ(in_b.join(), End::Stopped);
  };
  life();
  const auto before = books();
  for (unsigned i = 0; i != 20 && failures() == 0; ++i) life();
  check_books(before);
}

TEST("domains: a context that drops its own creating capability ends") {
  grow_space(50);
  const auto life = [] {
    Child child({.pages = PageCount(80), .authorities = kAll});
    Worker maker({.child = &child});
    maker.start().handles[kDomain] = child.give(child.domain(), kEvery);
    maker.start().handles[kSpace] = child.give(child.space(), kEvery);
    static constinit std::atomic<std::uint64_t> own{0}, survived{0};
    static constinit char stack[8192];
    own = survived = 0;
    const auto end_itself = +[] {
      static_cast<void>(raw(CallNumber::CapDrop, own.load()));
      survived = 1;
      for (;;) {
      }
    };
    maker.start().handles[kEvent] = reinterpret_cast<std::uint64_t>(end_itself);
    maker.run([](Start& s) {
      const auto context = raw(CallNumber::AllocCpuContext, s.handles[kDomain], s.handles[kSpace], 0, 0);
      own = context.value;
      CHECK(raw(CallNumber::ContextStart, context.value, s.handles[kEvent],
                reinterpret_cast<std::uint64_t>(stack + sizeof stack - 8), 0)
                .ok());
      // Carried: its carrier must hear of the end.
      for (unsigned i = 0; i != 100 && is_valid(context.value); ++i) {
        const auto run = raw(CallNumber::ContextRun, context.value, ~0ull, 0);
        s.shared[0] = run.ok() ? run.value : 1000 + run.status;
      }
      CHECK(!is_valid(context.value));
    });
    maker.join_returned();
    CHECK_EQ(survived.load(), 0u);
  };
  life();
  const auto before = books();
  for (unsigned i = 0; i != 10 && failures() == 0; ++i) life();
  check_books(before);
}

TEST("domains: a context that owns a slice and drops itself gives everything back") {
  grow_space(50);
  const auto life = [] {
    Worker worker({.cpu = core::CpuId(1 % cpus())});
    worker.start().handles[0] = worker.context().raw();
    worker.run([](Start& s) {
      static_cast<void>(raw(CallNumber::CapDrop, s.handles[0]));
      s.shared[0] = 1;
    });
    spin_until([&] { return !is_valid(worker.context().raw()); });
    CHECK_EQ(worker.start().shared[0].load(), 0u);
    worker.forget_context();
  };
  life();
  const auto before = books();
  for (unsigned i = 0; i != 20 && failures() == 0; ++i) life();
  check_books(before);
}

TEST("domains: the objects of a domain that others hold capabilities to end with it") {
  const auto before_cap = need(calls::event_create());
  Child maker({.pages = PageCount(60), .authorities = kAll}), user({.pages = PageCount(60)});
  Worker worker({.child = &maker});
  worker.start().handles[kDomain] = maker.give(user.domain(), kEvery);
  worker.run([](Start& s) {
    const auto event = raw(CallNumber::EventCreate).value;
    s.shared[0] = raw(CallNumber::CapDerive, event, kEvery.raw(), s.handles[kDomain]).value;
  });
  worker.join_returned();
  Worker reader({.child = &user});
  reader.start().handles[kEvent] = worker.start().shared[0];
  reader.run([](Start& s) { CHECK(raw(CallNumber::EventDeliver, s.handles[kEvent], 1).ok()); });
  reader.join_returned();
  maker.destroy();
  reader.run([](Start& s) { CHECK(!raw(CallNumber::EventDeliver, s.handles[kEvent], 1).ok()); });
  reader.join_returned();
  drop(before_cap.raw());
}

TEST("domains: gates, contexts and budgets of a domain that is gone are refused, not followed") {
  const auto space = environment().space;
  for (unsigned i = 0; i != 10; ++i) {
    const auto budget = need(calls::budget_create(environment().budget, PageCount(16)));
    const auto domain = need(calls::domain_create(budget, core::cap::Authorities()));
    const auto gate = need(calls::gate_create(domain, VirtAddr(0x400000), 1));
    const auto context = need(calls::alloc_cpu_context(domain, space, {}, abi::ContextFlags{}));
    const auto spare = need(calls::alloc_cpu_context(domain, space, {}, abi::ContextFlags{}));
    need(calls::gate_add_server(gate, context, VirtAddr(0x500000)));
    drop(domain.raw());
    // Another domain may have its place in memory now.
    const auto next = need(calls::domain_create(budget, core::cap::Authorities()));
    const auto other = need(calls::alloc_cpu_context(next, space, {}, abi::ContextFlags{}));
    CHECK(!calls::gate_add_server(gate, other, VirtAddr(0x500000)).has_value());
    CHECK(!calls::gate_add_server(gate, spare, VirtAddr(0x500000)).has_value());
    CHECK(!calls::context_start(context, VirtAddr(0x400000), VirtAddr(0x500000), 0).has_value());
    CHECK(!calls::context_start(spare, VirtAddr(0x400000), VirtAddr(0x500000), 0).has_value());
    abi::Words words{};
    CHECK(!calls::cap_invoke(gate, words).has_value());
    CHECK(!calls::cap_derive(space, Rights(Right::Map), domain).has_value());
    for (const std::uint64_t handle :
         {other.raw(), next.raw(), spare.raw(), context.raw(), gate.raw(), budget.raw()})
      drop(handle);
  }
}

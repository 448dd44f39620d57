// Ends of every kind at any moment: what a domain was doing does not matter, and nothing is lost (issue 2).
#include <new>

#include "libos/rt/environment.hpp"
#include "tests/system/contexts/guests.hpp"
#include "tests/system/contexts/support/caller.hpp"
#include "tests/system/harness/books.hpp"

using namespace fb;
using namespace fb::test;
using core::CpuId;
using core::Error;

namespace {

constinit Caller victims[4];

bool several_cpus() { return libos::rt::environment().cpus > 1; }
CpuId other_cpu() { return CpuId(several_cpus() ? 1 : 0); }
constexpr auto kLibos = core::cap::ceiling(core::cap::Zone::Libos);

void pause_for(std::uint64_t turns) {
  if (!several_cpus()) return static_cast<void>(abi::calls::yield());
  for (; turns != 0; --turns) __builtin_ia32_pause();
}

/// The capability space keeps the pages it grew by.
void grow_slots() {
  std::array<abi::Cap<abi::ObjectType::Budget>, 400> spare;
  for (auto& cap : spare)
    cap = need(abi::calls::cap_derive(libos::rt::environment().budget,
                                      core::cap::kAllRights.without(core::cap::Right::Once)));
  for (const auto cap : spare) need(abi::calls::cap_drop(cap));
}

enum class How : std::uint8_t { Stop, Context, Domain, Budget, Space };

/// A victim on another CPU makes one call again and again, among others; it is ended at a random moment.
void end_at_random(How how, std::uint64_t rounds) {
  grow_slots();
  const auto before = books();
  Random random(static_cast<std::uint64_t>(how) + 100);
  for (std::uint64_t i = 0; i != rounds; ++i) {
    Child child({.pages = core::PageCount(150), .authorities = kLibos});
    Worker worker({.cpu = other_cpu(), .child = &child});
    auto& victim = victims[0];
    equip(victim, child, i + 1);
    victim.only_call = random.below(82);
    for (int again = 0; again != (how == How::Stop ? 10 : 1); ++again) {
      worker.run(&call_at_random, reinterpret_cast<std::uint64_t>(&victim));
      pause_for(random.below(20'000));
      switch (how) {
        case How::Stop:
          CHECK_OK(abi::calls::context_stop(worker.context()));
          break;
        case How::Context:
          CHECK_OK(abi::calls::cap_drop(worker.context()));
          worker.forget_context();
          break;
        case How::Domain:
          CHECK_OK(abi::calls::cap_drop(child.domain()));
          child.forget_domain();
          break;
        case How::Budget:
          CHECK_OK(abi::calls::cap_revoke(child.budget()));
          child.forget_budget();
          child.forget_domain();
          break;
        case How::Space:
          CHECK_OK(abi::calls::cap_revoke(child.space()));
          break;
      }
    }
  }
  check_books(before);
}

}  // namespace

TEST("a context is stopped while it gives up capabilities, and the other way round") {
  // Two CPUs that wait for each other: one for a context to stop, the other for the grace period of a revocation.
  Worker worker({.cpu = other_cpu()});
  for (int i = 0; i != 1000; ++i) {
    worker.run([](Start&) {
      for (;;) {
        const auto event = abi::calls::event_create();
        if (event) static_cast<void>(abi::calls::cap_drop(*event));
      }
    });
    pause_for(static_cast<std::uint64_t>(i % 300));
    if (!CHECK_OK(abi::calls::context_stop(worker.context()))) return;
  }
}

TEST("a context drops the capability to itself, its domain's, its space's") {
  grow_slots();
  const auto before = books();
  for (int what = 0; what != 4; ++what) {
    for (int i = 0; i != 20; ++i) {
      Child child({.authorities = kLibos});
      Worker worker({.cpu = other_cpu(), .child = &child, .self = false});
      const auto most = core::cap::kAllRights.without(core::cap::Right::Once);
      const std::uint64_t own[] = {child.give(child.domain(), most), child.give(child.space(), most),
                                   child.give(child.budget(), most), child.give(worker.context(), most)};
      worker.run(
          [](Start& s) {
            static_cast<void>(abi::calls::cap_revoke(abi::Cap<abi::ObjectType::Any>(s.argument)));
            s.shared[0].store(1);
            for (;;) __builtin_ia32_pause();
          },
          own[what]);
      while (worker.start().shared[0].load() == 0) static_cast<void>(abi::calls::yield());
    }
  }
  check_books(before);
}

TEST("a context destroys its own context, domain, space and budget: it ends, and nothing is lost") {
  grow_slots();
  const auto before = books();
  for (int what = 0; what != 4; ++what) {
    for (int i = 0; i != 20; ++i) {
      // In a domain that this child makes for itself: it holds the creating capabilities.
      Child child({.pages = core::PageCount(200), .authorities = kLibos});
      Worker maker({.cpu = other_cpu(), .child = &child});
      maker.start().handles = {
          child.give(child.budget(), core::cap::kAllRights.without(core::cap::Right::Once)),
          static_cast<std::uint64_t>(what),
          child.give(child.space(), core::cap::kAllRights.without(core::cap::Right::Once)),
          child.give(child.domain(), core::cap::kAllRights.without(core::cap::Right::Once))};
      maker.run([](Start& s) {
        using namespace abi::calls;
        const abi::Cap<abi::ObjectType::Domain> domain(s.handles[3]);
        const auto context =
            need(alloc_cpu_context(domain, abi::Cap<abi::ObjectType::AddressSpace>(s.handles[2]), {}, {}));
        const auto space = need(address_space_create());
        const auto budget =
            need(budget_create(abi::Cap<abi::ObjectType::Budget>(s.handles[0]), core::PageCount(8)));
        const auto below = need(domain_create(budget, core::cap::ceiling(core::cap::Zone::User)));
        s.shared[1].store(1);
        switch (s.handles[1]) {
          case 0:
            CHECK_OK(cap_drop(context));
            break;
          case 1:
            CHECK_OK(cap_drop(space));
            break;
          case 2:
            CHECK_OK(cap_drop(budget));
            break;
          default:
            CHECK_OK(cap_drop(below));
            break;
        }
      });
      maker.join_returned();
    }
  }
  check_books(before);
}

TEST("stopped in the middle of any call") { end_at_random(How::Stop, several_cpus() ? 60 : 20); }
TEST("destroyed in the middle of any call: the context") {
  end_at_random(How::Context, several_cpus() ? 200 : 50);
}
TEST("destroyed in the middle of any call: the domain") {
  end_at_random(How::Domain, several_cpus() ? 200 : 50);
}
TEST("destroyed in the middle of any call: the budget with all below it") {
  end_at_random(How::Budget, several_cpus() ? 200 : 50);
}
TEST("destroyed in the middle of any call: the address space") {
  end_at_random(How::Space, several_cpus() ? 200 : 50);
}

TEST("fairness: two that spin share a CPU evenly") {
  Worker a({.cpu = other_cpu()}), b({.cpu = other_cpu()});
  const auto body = [](Start& s) {
    for (;;) s.shared[0].fetch_add(1, std::memory_order_relaxed);
  };
  a.run(body);
  b.run(body);
  // Until both together have done enough for many slices.
  while (a.start().shared[0].load() + b.start().shared[0].load() < 40'000'000)
    static_cast<void>(abi::calls::yield());
  a.stop();
  b.stop();
  const auto x = a.start().shared[0].load(), y = b.start().shared[0].load();
  diag(x, " and ", y, " turns");
  CHECK(x < 3 * y && y < 3 * x);
}

TEST("fairness: one that waits and wakes all the time does not starve one that spins") {
  static EventCap event;
  event = need(abi::calls::event_create());
  Worker spinner({.cpu = other_cpu()}), ping({.cpu = other_cpu()}), pong({.cpu = other_cpu()});
  spinner.run([](Start& s) {
    for (;;) s.shared[0].fetch_add(1, std::memory_order_relaxed);
  });
  ping.run([](Start& s) {
    for (;;) {
      CHECK_OK(abi::calls::event_deliver(event, abi::EventBits(1)));
      CHECK_OK(abi::calls::event_wait(event, abi::EventBits(2), abi::kNever));
      s.shared[0].fetch_add(1);
    }
  });
  pong.run([](Start&) {
    for (;;) {
      CHECK_OK(abi::calls::event_wait(event, abi::EventBits(1), abi::kNever));
      CHECK_OK(abi::calls::event_deliver(event, abi::EventBits(2)));
    }
  });
  // Turns of one are bounded by those of the others if nobody starves: otherwise this never ends.
  while (spinner.start().shared[0].load() < 10'000'000 || ping.start().shared[0].load() < 200)
    static_cast<void>(abi::calls::yield());
  diag(spinner.start().shared[0].load(), " turns, ", ping.start().shared[0].load(), " wake-ups");
  spinner.stop();
  ping.stop();
  pong.stop();
  need(abi::calls::cap_drop(event));
}

TEST("a slice taken away stops its owner; given back, it goes on") {
  Worker worker({.cpu = other_cpu(), .slice = false});
  const auto budget = libos::rt::environment().budget;
  worker.run([](Start& s) {
    for (;;) s.shared[0].fetch_add(1);
  });
  for (int i = 0; i != 30; ++i) {
    const auto seen = worker.start().shared[0].load();
    CHECK_OK(abi::calls::slice_assign(budget, other_cpu(), abi::Slot(40), worker.context()));
    CHECK_FAILS(abi::calls::slice_assign(budget, other_cpu(), abi::Slot(40), worker.context()), Error::Busy);
    while (worker.start().shared[0].load() == seen) static_cast<void>(abi::calls::yield());
    CHECK_OK(abi::calls::slice_assign(budget, other_cpu(), abi::Slot(40)));
    CHECK_FAILS(abi::calls::slice_assign(budget, other_cpu(), abi::Slot(40)), Error::NoSlices);
    // It runs to the end of the slice it has; then never again.
    for (int wait = 0; wait != 20; ++wait)
      static_cast<void>(abi::calls::event_wait(worker.ended(), abi::EventBits(2), in(1)));
    const auto after = worker.start().shared[0].load();
    for (int wait = 0; wait != 3; ++wait)
      static_cast<void>(abi::calls::event_wait(worker.ended(), abi::EventBits(2), in(1)));
    CHECK_EQ(worker.start().shared[0].load(), after);
  }
}

TEST("an idle CPU wakes for a signal, a start and a slice, each time") {
  if (!several_cpus()) skip("one CPU");
  static EventCap event;
  event = need(abi::calls::event_create());
  const auto last = CpuId(static_cast<std::uint32_t>(libos::rt::environment().cpus - 1));
  Worker worker({.cpu = last});
  worker.run([](Start& s) {
    for (std::uint64_t i = 1;; ++i) {
      CHECK_OK(abi::calls::event_wait(event, abi::EventBits(1), abi::kNever));
      s.shared[0].store(i);
    }
  });
  for (std::uint64_t i = 1; i <= 500; ++i) {
    CHECK_OK(abi::calls::event_deliver(event, abi::EventBits(1)));
    while (worker.start().shared[0].load() < i) __builtin_ia32_pause();
  }
  worker.stop();
  for (int i = 0; i != 200; ++i) {
    worker.run([](Start&) {});
    worker.join_returned();
  }
  need(abi::calls::cap_drop(event));
}

TEST("configuration of one object from two CPUs at once") {
  if (!several_cpus()) skip("one CPU");
  static EventCap first, second;
  static abi::Cap<abi::ObjectType::Timer> timer;
  static SpaceCap one, two;
  static ContextCap target;
  first = need(abi::calls::event_create());
  second = need(abi::calls::event_create());
  timer = need(abi::calls::timer_create(first, abi::Bit(0)));
  one = need(abi::calls::address_space_create());
  two = need(abi::calls::address_space_create());
  Worker idle({.slice = false});
  target = idle.context();
  const auto body = [](Start& s) {
    Random random(s.argument);
    for (int i = 0; i != 20000; ++i) {
      switch (random.below(5)) {
        case 0:
          static_cast<void>(abi::calls::context_set_space(target, random.below(2) == 0 ? one : two));
          break;
        case 1:
          static_cast<void>(abi::calls::context_set_event(target, random.below(2) == 0 ? first : second,
                                                          abi::EventBits(random.below(2)), abi::Bit(3)));
          break;
        case 2:
          static_cast<void>(abi::calls::timer_arm(timer, now() + core::Nanoseconds(random.below(100'000)),
                                                  core::Nanoseconds(random.below(2))));
          break;
        case 3:
          static_cast<void>(abi::calls::timer_arm(timer, abi::kNever, core::Nanoseconds(0)));
          break;
        default:
          static_cast<void>(abi::calls::context_query(target, 0));
          break;
      }
    }
  };
  Worker a({.cpu = CpuId(0)}), b({.cpu = CpuId(1)});
  a.run(body, 11);
  b.run(body, 22);
  a.join_returned();
  b.join_returned();
  need(abi::calls::cap_drop(timer));
  need(abi::calls::cap_drop(two));
  need(abi::calls::cap_drop(one));
  need(abi::calls::cap_drop(second));
  need(abi::calls::cap_drop(first));
}

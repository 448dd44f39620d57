// Events, timers, operations and call rings under load and under hostile use.
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"
#include "tests/system/harness/team.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr auto kEvery = core::cap::kAllRights.without(Rights(Right::Once));

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }
std::uint64_t now() { return calls::get_system_time(abi::Clock::Monotonic).value_or(0); }

struct Shared {
  std::atomic<std::uint64_t> event{0}, other{0}, timer{0}, op{0};
  std::atomic<std::uint32_t> count{0}, odd{0};
  std::atomic<bool> quit{false};
};
constinit Shared shared;

void reset_shared() {
  shared.event = shared.other = shared.timer = shared.op = 0;
  shared.count = shared.odd = 0;
  shared.quit = false;
}

}  // namespace

TEST("events: ping-pong between CPUs loses no wake-up") {
  reset_shared();
  const auto ping = need(calls::event_create()), pong = need(calls::event_create());
  shared.event = ping.raw();
  shared.other = pong.raw();
  Team team(
      1,
      [](Start& s) {
        for (std::uint64_t i = 0; i != s.argument; ++i) {
          CHECK(raw(CallNumber::EventWait, shared.event, 1, kNever).ok());
          CHECK(raw(CallNumber::EventDeliver, shared.other, 2).ok());
        }
      },
      500);
  for (unsigned i = 0; i != 500; ++i) {
    CHECK_OK(calls::event_deliver(ping, abi::EventBits(1)));
    CHECK_EQ(calls::event_wait(pong, abi::EventBits(2), abi::kNever).value_or(abi::EventBits(0)).raw(), 2u);
  }
  team.join();
  drop(ping.raw());
  drop(pong.raw());
}

TEST("events: every bit goes to exactly one of many waiters") {
  reset_shared();
  const auto event = need(calls::event_create());
  shared.event = event.raw();
  Team team(4, [](Start& s) {
    for (;;) {
      const auto got = raw(CallNumber::EventWait, shared.event, 0xffff'ffff, kNever);
      if (!got.ok() || shared.quit.load()) return;
      shared.count.fetch_add(static_cast<std::uint32_t>(__builtin_popcountll(got.value)));
      if ((got.value >> 32) != 0) shared.odd.fetch_add(1);
      s.shared[0].fetch_add(1);
    }
  });
  std::uint32_t sent = 0;
  for (unsigned i = 0; i != 300; ++i) {
    CHECK_OK(
        calls::event_deliver(event, abi::EventBits(std::uint64_t{1} << (i % 32) | std::uint64_t{1} << 40)));
    sent += 1;
    spin_until([&] { return shared.count.load() == sent; });
  }
  CHECK_EQ(shared.odd.load(), 0u);
  shared.quit = true;
  drop(event.raw());  // the waiters come back
  team.join();
}

TEST("events: bits coalesce and stay until they are taken") {
  const auto event = need(calls::event_create());
  CHECK_FAILS(calls::event_wait(event, abi::EventBits(kNever), core::Nanoseconds(0)), Error::TimedOut);
  CHECK_FAILS(calls::event_wait(event, abi::EventBits(0), core::Nanoseconds(0)), Error::BadArgument);
  for (unsigned i = 0; i != 3; ++i) CHECK_OK(calls::event_deliver(event, abi::EventBits(6)));
  CHECK_OK(calls::event_deliver(event, abi::EventBits(0)));
  CHECK_EQ(
      calls::event_wait(event, abi::EventBits(2), core::Nanoseconds(0)).value_or(abi::EventBits(0)).raw(),
      2u);
  CHECK_EQ(calls::event_wait(event, abi::EventBits(kNever), core::Nanoseconds(0))
               .value_or(abi::EventBits(0))
               .raw(),
           4u);
  CHECK_FAILS(calls::event_wait(event, abi::EventBits(kNever), core::Nanoseconds(0)), Error::TimedOut);
  drop(event.raw());
}

TEST("events: a deadline ends a wait with TimedOut, never before its time") {
  const auto event = need(calls::event_create());
  for (const std::uint64_t wait : {1ul, 1'000ul, 50'000ul, 3'000'000ul}) {
    const auto until = now() + wait;
    CHECK_FAILS(calls::event_wait(event, abi::EventBits(1), core::Nanoseconds(until)), Error::TimedOut);
    CHECK(now() >= until);
  }
  drop(event.raw());
}

TEST("events: a signal that races with a time-out is either taken or still there") {
  reset_shared();
  const auto event = need(calls::event_create());
  shared.event = event.raw();
  Team team(1, [](Start&) {
    while (!shared.quit.load()) {
      if (shared.other.exchange(0) == 0) {
        if (cpus() == 1) static_cast<void>(calls::yield());
        continue;
      }
      static_cast<void>(raw(CallNumber::EventDeliver, shared.event, 1));
      shared.count.fetch_add(1);
    }
  });
  for (std::uint32_t i = 0; i != 200; ++i) {
    shared.other = 1;
    const auto got = raw(CallNumber::EventWait, event.raw(), 1, now() + 20'000 + std::uint64_t{i} * 100);
    spin_until([&] { return shared.count.load() == i + 1; });
    if (!got.ok()) {
      CHECK_EQ(got.error(), Error::TimedOut);
      CHECK(raw(CallNumber::EventWait, event.raw(), 1, 0).ok());
    } else {
      CHECK(!raw(CallNumber::EventWait, event.raw(), 1, 0).ok());
    }
  }
  shared.quit = true;
  team.join();
  drop(event.raw());
}

TEST("events: a flood of signals from every CPU leaves the others their time") {
  reset_shared();
  const auto event = need(calls::event_create()), own = need(calls::event_create());
  shared.event = event.raw();
  Team team(cpus() > 1 ? cpus() : 2, [](Start&) {
    while (!shared.quit.load(std::memory_order_relaxed))
      static_cast<void>(raw(CallNumber::EventDeliver, shared.event, kNever));
  });
  for (unsigned i = 0; i != 30; ++i) {
    CHECK_OK(calls::event_wait(event, abi::EventBits(1), abi::kNever));
    CHECK_FAILS(calls::event_wait(own, abi::EventBits(1), core::Nanoseconds(now() + 100'000)),
                Error::TimedOut);
  }
  shared.quit = true;
  team.join();
  drop(event.raw());
  drop(own.raw());
}

TEST("timers: they fire, periods repeat, disarming stops them") {
  const auto event = need(calls::event_create());
  const auto timer = need(calls::timer_create(event, abi::Bit(7)));
  CHECK_OK(calls::timer_arm(timer, core::Nanoseconds(now() + 100'000), core::Nanoseconds(0)));
  CHECK_EQ(calls::event_wait(event, abi::EventBits(kNever), abi::kNever).value_or(abi::EventBits(0)).raw(),
           1u << 7);
  CHECK_OK(calls::timer_arm(timer, core::Nanoseconds(1), core::Nanoseconds(1)));
  for (unsigned i = 0; i != 20; ++i) CHECK_OK(calls::event_wait(event, abi::EventBits(1 << 7), abi::kNever));
  CHECK_OK(calls::timer_arm(timer, core::Nanoseconds(kNever), core::Nanoseconds(0)));
  static_cast<void>(calls::event_wait(event, abi::EventBits(kNever), core::Nanoseconds(0)));
  CHECK_FAILS(calls::event_wait(event, abi::EventBits(kNever), core::Nanoseconds(now() + 2'000'000)),
              Error::TimedOut);
  for (const std::uint64_t odd : {kNever - 1, kNever >> 1, std::uint64_t{1} << 63, kNever >> 2}) {
    CHECK_OK(calls::timer_arm(timer, core::Nanoseconds(odd), core::Nanoseconds(odd)));
    CHECK_OK(calls::timer_arm(timer, core::Nanoseconds(now() + 10'000), core::Nanoseconds(odd)));
  }
  CHECK_EQ(raw(CallNumber::TimerCreate, event.raw(), 64).error(), Error::BadArgument);
  drop(timer.raw());
  drop(event.raw());
}

TEST("timers: 10,000 at once all fire, and go again") {
  grow_space(10'100);
  const auto event = need(calls::event_create());
  static constinit std::array<std::uint64_t, 10'000> timers{};
  const auto before = books();
  for (std::size_t i = 0; i != timers.size(); ++i)
    timers[i] = need(calls::timer_create(event, abi::Bit(static_cast<std::uint32_t>(i % 64)))).raw();
  const auto at = now() + 5'000'000;
  for (const auto timer : timers) CHECK(raw(CallNumber::TimerArm, timer, at, 0).ok());
  std::uint64_t seen = 0;
  while (seen != kNever) {
    const auto got = raw(CallNumber::EventWait, event.raw(), kNever, kNever);
    if (!CHECK(got.ok())) break;
    seen |= got.value;
  }
  // And armed again, dropped while they are due.
  for (const auto timer : timers) CHECK(raw(CallNumber::TimerArm, timer, 1, 60'000).ok());
  for (const auto timer : timers) drop(timer);
  check_books(before);
  drop(event.raw());
}

TEST("timers: one timer armed from all CPUs at once") {
  reset_shared();
  const auto event = need(calls::event_create());
  const auto timer = need(calls::timer_create(event, abi::Bit(0)));
  shared.timer = timer.raw();
  Team team(cpus() > 1 ? cpus() : 2, [](Start& s) {
    Random random(s.handles[0] + 1);
    for (unsigned i = 0; i != 3'000; ++i) {
      const auto when = random.below(3) == 0 ? kNever : now() + random.below(100'000);
      CHECK(raw(CallNumber::TimerArm, shared.timer, when, random.below(2) * 60'000).ok());
    }
  });
  team.join();
  CHECK(raw(CallNumber::TimerArm, timer.raw(), 1, 0).ok());
  CHECK_OK(calls::event_wait(event, abi::EventBits(1), abi::kNever));
  drop(timer.raw());
  drop(event.raw());
}

TEST("timers: dropped on one CPU while they fire on another") {
  reset_shared();
  const auto event = need(calls::event_create());
  shared.event = event.raw();
  Team team(cpus() > 1 ? 3 : 1, [](Start&) {
    for (unsigned i = 0; i != 400; ++i) {
      const auto timer = raw(CallNumber::TimerCreate, shared.event, i % 64).value;
      CHECK(raw(CallNumber::TimerArm, timer, now() + i * 37 % 30'000, 50'000).ok());
      shared.timer.exchange(timer);
      if (i % 3 == 0) static_cast<void>(calls::yield());
      static_cast<void>(raw(CallNumber::CapDrop, timer));
    }
  });
  for (unsigned i = 0; i != 300; ++i) static_cast<void>(raw(CallNumber::TimerArm, shared.timer, 1, 50'000));
  team.join();
  drop(event.raw());
}

TEST("operations: completed, cancelled, polled and waited for") {
  const auto event = need(calls::event_create());
  auto& area = *test_start().area;
  const auto server = need(calls::submit_async_op(abi::AsyncKind::Server, event, abi::Bit(3)));
  CHECK_FAILS(calls::poll_async_op(server), Error::InProgress);
  CHECK_FAILS(calls::wait_async_op(server, core::Nanoseconds(now() + 10'000)), Error::TimedOut);
  CHECK_OK(calls::complete_async_op(server, 4711));
  CHECK_EQ(calls::wait_async_op(server, abi::kNever).value_or(0), 4711u);
  CHECK_EQ(calls::poll_async_op(server).value_or(0), 4711u);
  CHECK_FAILS(calls::complete_async_op(server, 1), Error::TooLate);
  CHECK_FAILS(calls::cancel_async_op(server), Error::TooLate);
  CHECK_EQ(calls::event_wait(event, abi::EventBits(kNever), core::Nanoseconds(0))
               .value_or(abi::EventBits(0))
               .raw(),
           8u);
  const auto gone = need(calls::submit_async_op(abi::AsyncKind::Server, event, abi::Bit(4)));
  CHECK_OK(calls::cancel_async_op(gone));
  CHECK_FAILS(calls::poll_async_op(gone), Error::Cancelled);
  CHECK_FAILS(calls::wait_async_op(gone, abi::kNever), Error::Cancelled);
  CHECK_FAILS(calls::complete_async_op(gone, 1), Error::TooLate);
  area.async.word = now() + 200'000;
  const auto timed = need(calls::submit_async_op(abi::AsyncKind::Timer, event, abi::Bit(5)));
  CHECK_FAILS(calls::complete_async_op(timed, 1), Error::BadArgument);
  CHECK_OK(calls::wait_async_op(timed, abi::kNever));
  CHECK_EQ(raw(CallNumber::SubmitAsyncOp, 4, 0, 0).error(), Error::BadArgument);
  CHECK_EQ(raw(CallNumber::SubmitAsyncOp, 3, event.raw(), 64).error(), Error::BadArgument);
  for (const auto op : {server.raw(), gone.raw(), timed.raw(), event.raw()}) drop(op);
}

TEST("operations: complete and cancel race on all CPUs; one of them wins") {
  grow_space(100);
  const auto event = need(calls::event_create());
  reset_shared();
  const unsigned size = cpus() > 1 ? 3 : 2;
  Team team(size, [](Start& s) {
    std::uint64_t seen = 0;
    while (!shared.quit.load()) {
      const auto op = shared.op.load(std::memory_order_acquire);
      if (op == seen || op == 0) {
        nap();
        continue;
      }
      seen = op;
      const auto answer = s.handles[0] % 2 == 0 ? raw(CallNumber::CompleteAsyncOp, op, 1)
                                                : raw(CallNumber::CancelAsyncOp, op);
      if (answer.ok()) shared.event.fetch_add(1);
      if (!answer.ok() && answer.error() != Error::TooLate) shared.odd.fetch_add(1);
      shared.count.fetch_add(1);
    }
  });
  for (unsigned i = 0; i != 100; ++i) {
    const auto op = need(calls::submit_async_op(abi::AsyncKind::Server, event, abi::Bit(1)));
    shared.event = 0;
    shared.count = 0;
    shared.op.store(op.raw(), std::memory_order_release);
    const auto waited = calls::wait_async_op(op, abi::kNever);
    CHECK(waited.has_value() || waited.error() == Error::Cancelled);
    spin_until([&] { return shared.count.load() == size; });
    CHECK_EQ(shared.event.load(), 1u);
    drop(op.raw());
  }
  CHECK_EQ(shared.odd.load(), 0u);
  shared.quit = true;
  team.join();
  drop(event.raw());
}

TEST("rings: entries are done in order, the first failure stops and is told") {
  auto& ring = *test_start().ring;
  const auto event = need(calls::event_create());
  for (const std::uint64_t count : {0ul, 65ul, 1ul << 32, ~0ul})
    CHECK_EQ(raw(CallNumber::RingSubmit, count).error(), Error::BadArgument);
  for (std::uint64_t bad = 0; bad < 64; bad += 7) {
    for (std::uint64_t i = 0; i != 64; ++i) {
      ring.entries[i] = i == bad
                            ? calls::encode_event_deliver(Cap<T::Event>(0x77'0000'0001), abi::EventBits(1))
                            : calls::encode_event_deliver(event, abi::EventBits(std::uint64_t{1} << i));
    }
    CHECK_EQ(calls::ring_submit(64).value_or(99), bad);
    CHECK_EQ(static_cast<Error>(ring.entries[bad].status), Error::BadHandle);
    const auto got = raw(CallNumber::EventWait, event.raw(), kNever, 0);
    CHECK_EQ(got.ok() ? got.value : 0, (std::uint64_t{1} << bad) - 1);
  }
  drop(event.raw());
}

TEST("rings: calls that leave for another context are refused inside one, and nothing breaks") {
  auto& ring = *test_start().ring;
  const auto event = need(calls::event_create());
  const auto gate = need(calls::gate_create(environment().domain, VirtAddr(0x400000), 0));
  Worker idle({.slice = false});
  const std::array entries{
      calls::encode_ring_submit(1),
      calls::encode_context_run(idle.context(), abi::kNever, 0),
      calls::encode_event_wait(event, abi::EventBits(1), abi::kNever),
      calls::encode_event_exchange(event, abi::EventBits(1), event, abi::EventBits(1), abi::kNever),
      calls::encode_yield(),
      calls::encode_context_stop(idle.context()),
      calls::encode_wait_async_op(Cap<T::AsyncOp>(1), abi::kNever)};
  for (const auto& entry : entries) {
    ring.entries[0] = calls::encode_null();
    ring.entries[1] = entry;
    CHECK_EQ(calls::ring_submit(2).value_or(99), 1u);
    CHECK_EQ(static_cast<Error>(ring.entries[1].status), Error::BadArgument);
  }
  for (const auto call : {CallNumber::CapInvoke, CallNumber::GateReply}) {
    ring.entries[0] = calls::entry_of(call, gate.raw(), std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3},
                                      std::uint64_t{4}, std::uint64_t{5});
    CHECK_EQ(calls::ring_submit(1).value_or(99), 0u);
    CHECK(ring.entries[0].status != 0);
  }
  for (const std::uint32_t number : {6u, 82u, 255u, 0xffff'ffffu, 0x8000'0000u}) {
    ring.entries[0] = exo_ring_entry{.call = number, .status = 0, .args = {}, .result = 0};
    CHECK_EQ(calls::ring_submit(1).value_or(99), 0u);
    CHECK_EQ(static_cast<Error>(ring.entries[0].status), Error::BadCall);
  }
  drop(gate.raw());
  drop(event.raw());
}

TEST("rings: random entries change nothing that they were not given") {
  Child child({.pages = PageCount(40)});
  Worker worker({.child = &child});
  worker.run([](Start& s) {
    Random random(99);
    for (unsigned round = 0; round != 300; ++round) {
      for (auto& entry : s.ring->entries) {
        entry.call = static_cast<std::uint32_t>(random.below(90));
        for (auto& arg : entry.args) arg = random.below(3) == 0 ? random() : random.below(5000);
      }
      CHECK(named(raw(CallNumber::RingSubmit, random.below(70)).status));
    }
  });
  worker.join_returned();
}

namespace {

constexpr std::uint64_t kArea = 0x6300'0000'0000;

/// In a domain of its own: a context whose call ring gives up what the context itself lives on. `which` of the
/// handles 0 domain, 1 space (both of the maker's domain), 2 the ring's pages, 3 the context.
void give_up_in_ring(Start& s) {
  const auto pages = raw(CallNumber::AllocMemPages, 2, 0).value;
  const auto space = raw(CallNumber::AddressSpaceCreate).value;
  CHECK(raw(CallNumber::MapPages, s.handles[1], pages, kArea, 0, 2, 3).ok());
  const auto context = raw(CallNumber::AllocCpuContext, s.handles[0], s.handles[1], pages, 0);
  CHECK(context.ok());
  const std::uint64_t victims[4] = {s.handles[0], s.handles[1], pages, context.value};
  auto& ring = *reinterpret_cast<exo_ring*>(kArea + 4096);
  ring.entries[0] = exo_ring_entry{.call = 4, .status = 0, .args = {space, 0, 0, 0, 0, 0}, .result = 0};
  ring.entries[1] =
      exo_ring_entry{.call = 5, .status = 0, .args = {victims[s.argument], 0, 0, 0, 0, 0}, .result = 0};
  ring.entries[2] = exo_ring_entry{.call = 40, .status = 0, .args = {}, .result = 0};
  static constinit char stack[4096];
  const auto submit = +[] {
    static_cast<void>(raw(CallNumber::RingSubmit, 3));
    for (;;) static_cast<void>(calls::yield());
  };
  CHECK(raw(CallNumber::ContextStart, context.value, reinterpret_cast<std::uint64_t>(submit),
            reinterpret_cast<std::uint64_t>(stack + sizeof stack - 8), 0)
            .ok());
  for (unsigned i = 0; i != 20; ++i)
    static_cast<void>(raw(CallNumber::ContextRun, context.value, now() + 1'000'000, 0));
  CHECK(!is_valid(victims[s.argument]));
}

void try_giving_up(std::uint64_t which) {
  grow_space(60);
  const auto life = [which] {
    Child child({.pages = PageCount(64), .authorities = core::cap::ceiling(core::cap::Zone::Libos)});
    Worker maker({.child = &child});
    maker.start().handles[0] = child.give(child.domain(), kEvery);
    maker.start().handles[1] = child.give(child.space(), kEvery);
    maker.run(&give_up_in_ring, which);
    maker.join_returned();
  };
  life();
  const auto before = books();
  for (unsigned i = 0; i != 5; ++i) life();
  check_books(before);
}

}  // namespace

TEST("rings: an entry that frees the ring's own pages ends the batch") { try_giving_up(2); }
TEST("rings: an entry that drops the context itself ends the batch") { try_giving_up(3); }

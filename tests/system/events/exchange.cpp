// Signal and wait in one call: it says and does what the two would, and the short way that it takes when it is called
// with the same capabilities again checks no less.
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr auto kEvery = core::cap::kAllRights.without(Rights(Right::Once)).raw();

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }
std::uint64_t event() { return need(calls::event_create()).raw(); }
std::uint64_t derive(std::uint64_t from, std::uint64_t mask = kEvery) {
  return raw(CallNumber::CapDerive, from, mask).value;
}
Raw exchange(std::uint64_t target, std::uint64_t bits, std::uint64_t from, std::uint64_t mask,
             std::uint64_t deadline = kNever) {
  return raw(CallNumber::EventExchange, target, bits, from, mask, deadline);
}
/// What is pending of `mask`, taken.
std::uint64_t take(std::uint64_t from, std::uint64_t mask = ~std::uint64_t{0}) {
  const auto got = raw(CallNumber::EventWait, from, mask, 0);
  return got.ok() ? got.value : 0;
}

/// Two events; an exchange through them has been made, so that the next one with the same handles goes the short way.
struct Pair {
  std::uint64_t there = event(), here = event();
  Pair() { warm(there, here); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    drop(there);
    drop(here);
  }
  static void warm(std::uint64_t target, std::uint64_t from) {
    for (unsigned i = 0; i != 2; ++i) CHECK_EQ(exchange(target, 1, from, 2, 0).error(), Error::TimedOut);
  }
};

struct Meeting {
  std::uint64_t there = 0, here = 0;
  std::atomic<std::uint64_t> turns{0}, wrong{0};
};
constinit Meeting meeting;

/// Answers each request, in order, until it gets a bit 63.
void answer(Start& s) {
  std::uint64_t seen = raw(CallNumber::EventWait, meeting.there, kNever, kNever).value;
  while (seen >> 63 == 0) {
    if (seen != std::uint64_t{1} << meeting.turns.fetch_add(1) % 60) meeting.wrong.fetch_add(1);
    const auto next = exchange(meeting.here, seen, meeting.there, kNever, s.argument);
    if (!next.ok()) meeting.wrong.fetch_add(1);
    seen = next.value;
  }
}

void play(core::CpuId cpu, std::uint64_t rounds) {
  const Pair pair;
  take(pair.there);
  meeting.there = pair.there;
  meeting.here = pair.here;
  meeting.turns = meeting.wrong = 0;
  Worker other({.cpu = cpu});
  other.run(&answer, kNever);
  for (std::uint64_t i = 0; i != rounds; ++i) {
    const auto bit = std::uint64_t{1} << i % 60;
    const auto back = exchange(pair.there, bit, pair.here, kNever);
    if (!CHECK(back.ok()) || !CHECK_EQ(back.value, bit)) break;
  }
  CHECK_EQ(meeting.turns.load(), rounds);
  CHECK_EQ(meeting.wrong.load(), 0u);
  CHECK(raw(CallNumber::EventDeliver, pair.there, std::uint64_t{1} << 63).ok());
  other.join_returned();
}

}  // namespace

TEST("exchange: request and answer on one CPU [C2.10]") { play(core::CpuId(0), 3'000); }
TEST("exchange: request and answer between CPUs [C2.10]") { play(core::CpuId(1 % cpus()), 1'000); }

TEST("exchange: bits that are pending come back at once, and the other side has its bits") {
  const Pair pair;
  take(pair.there);
  CHECK(raw(CallNumber::EventDeliver, pair.here, 6).ok());
  const auto got = exchange(pair.there, 8, pair.here, 4);
  CHECK(got.ok());
  CHECK_EQ(got.value, 4u);
  CHECK_EQ(take(pair.there), 8u);
  CHECK_EQ(take(pair.here), 2u);
  // With itself: what it signals, it gets.
  CHECK_EQ(exchange(pair.here, 16, pair.here, 16).value, 16u);
  CHECK_EQ(take(pair.here), 0u);
}

TEST("exchange: what is refused has signalled nothing; what timed out has [CAP-7]") {
  const Pair pair;
  take(pair.there);
  CHECK_EQ(exchange(pair.there, 1, pair.here, 0).error(), Error::BadArgument);
  CHECK_EQ(exchange(pair.there, 1, 0, 1).error(), Error::BadHandle);
  CHECK_EQ(exchange(pair.there, 1, environment().space.raw(), 1).error(), Error::WrongType);
  CHECK_EQ(exchange(pair.there, 1, derive(pair.here, Rights(Right::Send).raw()), 1).error(), Error::Denied);
  CHECK_EQ(take(pair.there), 0u);
  CHECK_EQ(exchange(0, 1, pair.here, 1).error(), Error::BadHandle);
  CHECK_EQ(exchange(0, 1, 0, 1).error(), Error::BadHandle);
  CHECK_EQ(exchange(derive(pair.there, Rights(Right::Wait).raw()), 1, pair.here, 1).error(), Error::Denied);
  CHECK_EQ(take(pair.there), 0u);
  CHECK_EQ(exchange(pair.there, 1, pair.here, 1, 1).error(), Error::TimedOut);
  CHECK_EQ(take(pair.there), 1u);
  const auto soon = calls::get_system_time(abi::Clock::Monotonic).value_or(0) + 200'000;
  CHECK_EQ(exchange(pair.there, 2, pair.here, 1, soon).error(), Error::TimedOut);
  CHECK_EQ(take(pair.there), 2u);
}

TEST("exchange: the short way sees every revocation, of either side and above it [CAP-3]") {
  for (unsigned side = 0; side != 2; ++side) {
    for (unsigned above = 0; above != 3; ++above) {
      const Pair pair;
      const auto middle = derive(side == 0 ? pair.there : pair.here), low = derive(middle);
      const auto target = side == 0 ? low : pair.there, from = side == 0 ? pair.here : low;
      Pair::warm(target, from);
      take(pair.there);
      if (above == 0) CHECK(raw(CallNumber::CapRevoke, low).ok());
      if (above == 1) CHECK(raw(CallNumber::CapRevoke, middle).ok());
      if (above == 2) CHECK(raw(CallNumber::CapRevoke, side == 0 ? pair.there : pair.here).ok());
      CHECK(!exchange(target, 1, from, 2, 0).ok());
      CHECK(exchange(target, 1, from, 2, 0).error() != Error::TimedOut);
      // The slot is used again, by a capability that may do nothing: the old handle is not that one's [CAP-4].
      const auto weak = derive(event(), 0);
      CHECK(exchange(target, 1, from, 2, 0).error() != Error::TimedOut);
      drop(weak);
    }
  }
}

TEST("exchange: other waits in between do not mislead it [CAP-3]") {
  const Pair pair;
  const auto other = event(), by = derive(pair.here);
  Pair::warm(pair.there, by);
  CHECK_EQ(raw(CallNumber::EventWait, other, 1, 1).error(), Error::TimedOut);  // its wait hangs there now
  static constinit std::uint64_t revoked;
  revoked = by;
  Worker killer;
  killer.run([](Start&) {
    nap();
    static_cast<void>(raw(CallNumber::CapRevoke, revoked));
  });
  const auto ended = exchange(pair.there, 1, by, 2);
  CHECK(ended.error() == Error::Revoked || ended.error() == Error::Stale);
  killer.join_returned();
  drop(other);
}

TEST("exchange: a _ONCE capability is used once, on either side [CAP-5]") {
  const Pair pair;
  const auto all = core::cap::kAllRights.raw();
  const auto send = derive(pair.there, all);
  take(pair.there);
  CHECK(raw(CallNumber::EventDeliver, pair.here, 2).ok());
  CHECK(exchange(send, 1, pair.here, 2).ok());
  CHECK_EQ(take(pair.there), 1u);
  CHECK(!exchange(send, 1, pair.here, 2, 0).ok());
  CHECK_EQ(take(pair.there), 0u);
  // Also when the wait is in vain: the signal has been had.
  const auto late = derive(pair.there, all);
  CHECK_EQ(exchange(late, 1, pair.here, 2, 0).error(), Error::TimedOut);
  CHECK_EQ(take(pair.there), 1u);
  CHECK(!is_valid(late));
  const auto wait = derive(pair.here, all);
  CHECK(raw(CallNumber::EventDeliver, pair.here, 2).ok());
  CHECK(exchange(pair.there, 1, wait, 2).ok());
  CHECK(!is_valid(wait));
}

TEST("exchange: a storm of pairs on all CPUs loses nothing, and the books balance") {
  {
    const Pair warm_up;
    Worker a, b, c;
  }
  const auto before = books();
  {
    static constinit std::array<std::uint64_t, 4> events{};
    for (auto& e : events) e = event();
    static constinit std::atomic<std::uint64_t> done{0};
    done = 0;
    // A ring of three: each signals the next and waits for the one before.
    Worker a({.cpu = core::CpuId(1 % cpus())}), b({.cpu = core::CpuId(2 % cpus())}),
        c({.cpu = core::CpuId(3 % cpus())});
    std::uint64_t place = 0;
    for (Worker* worker : {&a, &b, &c}) {
      worker->run(
          [](Start& s) {
            const auto mine = s.argument, next = (mine + 1) % 3;
            for (unsigned i = 0; i != 1'000; ++i) {
              CHECK(exchange(events[next], 1, events[mine], 1).ok());
              done.fetch_add(1);
            }
            // Signals of one bit coalesce: the next one may not have had one for each of ours.
            while (done.load() != 3'000) {
              CHECK(raw(CallNumber::EventDeliver, events[next], 1).ok());
              nap();
            }
          },
          place++);
    }
    for (Worker* worker : {&a, &b, &c}) worker->join_returned();
    CHECK_EQ(done.load(), 3'000u);
    for (const auto e : events) drop(e);
  }
  check_books(before);
}

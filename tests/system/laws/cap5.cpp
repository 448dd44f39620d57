// CAP-5, affinity: of any number of concurrent uses of a _ONCE capability, exactly one succeeds.
#include <optional>

#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }

/// A _ONCE capability to the event.
Cap<T::Event> once(Cap<T::Event> event, Rights more = Right::Send | Right::Wait) {
  return need(calls::cap_derive(event, more.join(Rights(Right::Once))));
}

bool is_once(std::uint64_t handle) {
  return (calls::cap_query(Cap<T::Any>(handle)).value_or(0) & Rights(Right::Once).raw()) != 0;
}

}  // namespace

TEST("CAP-5: a _ONCE capability can be made at all") {
  const auto event = need(calls::event_create());
  const auto derived = once(event);
  CHECK_OK(calls::event_deliver(derived, abi::EventBits(1)));
  CHECK_FAILS(calls::event_deliver(derived, abi::EventBits(1)).transform_error([](Error error) {
    return error == Error::Stale || error == Error::Revoked ? Error::Consumed : error;
  }),
              Error::Consumed);
  drop(event.raw());
}

TEST("CAP-5: a use that fails leaves it usable") {
  const auto event = need(calls::event_create());
  const auto derived = once(event);
  CHECK_FAILS(calls::event_wait(derived, abi::EventBits(1), core::Nanoseconds(0)), Error::TimedOut);
  CHECK_EQ(raw(CallNumber::TimerArm, derived.raw(), 1, 0).error(), Error::WrongType);
  CHECK_EQ(raw(CallNumber::CapDerive, derived.raw(), 1).error(), Error::Denied);
  CHECK_OK(calls::event_deliver(derived, abi::EventBits(1)));
  CHECK(!calls::event_deliver(derived, abi::EventBits(1)).has_value());
  drop(event.raw());
}

TEST("CAP-5: it cannot be multiplied by derivation") {
  const auto event = need(calls::event_create());
  const auto derived = need(calls::cap_derive(event, core::cap::kAllRights));
  CHECK_FAILS(calls::cap_derive(derived, core::cap::kAllRights), Error::Denied);
  CHECK_FAILS(calls::cap_derive(derived, core::cap::kAllRights.without(Rights(Right::Once))), Error::Denied);
  // Describing it is a use like any other.
  CHECK(is_once(derived.raw()));
  CHECK(!is_valid(derived.raw()));
  drop(event.raw());
}

namespace {

struct Race {
  std::atomic<std::uint64_t> cap{0};
  std::atomic<std::uint32_t> round{0}, finished{0}, wins{0}, odd{0};
  std::atomic<bool> quit{false};
};
constinit Race race;

void use_once(Start&) {
  std::uint32_t seen = 0;
  while (!race.quit.load(std::memory_order_acquire)) {
    const auto round = race.round.load(std::memory_order_acquire);
    if (round == seen) {
      if (cpus() == 1) static_cast<void>(calls::yield());
      continue;
    }
    seen = round;
    const auto answer = raw(CallNumber::EventDeliver, race.cap.load(std::memory_order_acquire), 1);
    if (answer.ok()) race.wins.fetch_add(1);
    const auto e = answer.error();
    if (!answer.ok() && e != Error::Consumed && e != Error::Revoked && e != Error::Stale)
      race.odd.fetch_add(1);
    race.finished.fetch_add(1);
  }
}

}  // namespace

TEST("CAP-5: of uses on all CPUs at once exactly one succeeds, a thousand times") {
  race.round = race.finished = race.wins = race.odd = 0;
  race.quit = false;
  const auto event = need(calls::event_create());
  const unsigned workers = cpus() > 1 ? cpus() : 2;
  std::optional<Worker> team[8];
  for (unsigned i = 0; i != workers; ++i) {
    team[i].emplace(WorkerOptions{.cpu = core::CpuId(i % cpus())}).run(&use_once);
  }
  for (unsigned round = 1; round <= 1'000; ++round) {
    race.finished = race.wins = 0;
    race.cap.store(once(event).raw(), std::memory_order_release);
    race.round.store(round, std::memory_order_release);
    spin_until([&] { return race.finished.load() == workers; });
    if (!CHECK_EQ(race.wins.load(), 1u)) break;
  }
  CHECK_EQ(race.odd.load(), 0u);
  race.quit = true;
  for (auto& worker : team) {
    if (worker) worker->join_returned();
  }
  drop(event.raw());
}

TEST("CAP-5: an unused one is revoked like any other") {
  const auto event = need(calls::event_create());
  const auto middle = need(calls::cap_derive(event, core::cap::kAllRights.without(Rights(Right::Once))));
  const auto before = books();
  const auto derived = calls::cap_derive(middle, Right::Send | Right::Once);
  CHECK_OK(calls::cap_revoke(middle));
  if (derived) CHECK(!calls::event_deliver(*derived, abi::EventBits(1)).has_value());
  check_books(before);
  drop(event.raw());
}

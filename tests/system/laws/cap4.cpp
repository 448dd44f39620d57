// CAP-4, generations: a freed slot's old handles never become valid again.
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr std::uint64_t slot_of(std::uint64_t handle) { return handle & 0xffff'ffff; }
constexpr std::uint64_t generation_of(std::uint64_t handle) { return handle >> 32; }
void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }

constinit std::array<std::uint64_t, 4096> old_handles{};

}  // namespace

TEST("CAP-4: a slot that is reused has a higher generation each time") {
  std::uint64_t slot = 0, generation = 0;
  for (unsigned i = 0; i != 20'000; ++i) {
    const auto event = need(calls::event_create());
    if (slot_of(event.raw()) == slot) CHECK(generation_of(event.raw()) > generation);
    slot = slot_of(event.raw());
    generation = generation_of(event.raw());
    drop(event.raw());
    CHECK_EQ(raw(CallNumber::CapQuery, event.raw()).error(), Error::Stale);
  }
  CHECK(generation > 1'000);
}

TEST("CAP-4: old handles stay stale while their slots carry new capabilities") {
  for (auto& handle : old_handles) {
    const auto event = need(calls::event_create());
    handle = event.raw();
    drop(handle);
  }
  // The same slots, full again.
  std::array<std::uint64_t, 200> fresh{};
  for (auto& handle : fresh) handle = need(calls::event_create()).raw();
  for (const auto handle : old_handles) {
    const auto answer = raw(CallNumber::CapQuery, handle);
    CHECK_EQ(answer.error(), Error::Stale);
    CHECK(!raw(CallNumber::EventDeliver, handle, 1).ok());
    CHECK(!raw(CallNumber::CapDrop, handle).ok());
    CHECK(!raw(CallNumber::CapRevoke, handle).ok());
    CHECK(!raw(CallNumber::CapDerive, handle, 1).ok());
  }
  for (const auto handle : fresh) CHECK(is_valid(handle));
  for (const auto handle : fresh) drop(handle);
}

TEST("CAP-4: a revoked descendant's slot is reused under another generation, whatever its type") {
  for (unsigned i = 0; i != 300; ++i) {
    const auto event = need(calls::event_create());
    std::array<std::uint64_t, 20> old{};
    for (auto& handle : old) handle = need(calls::cap_derive(event, Rights(Right::Send))).raw();
    drop(event.raw());
    std::array<std::uint64_t, 20> fresh{};
    for (auto& handle : fresh) {
      handle = i % 2 == 0 ? need(calls::submit_async_op(abi::AsyncKind::Server, {}, abi::Bit(0))).raw()
                          : need(calls::budget_create(environment().budget, PageCount(0))).raw();
    }
    for (const auto handle : old) CHECK(!is_valid(handle));
    for (const auto handle : fresh) {
      for (const auto handle2 : old) CHECK(handle != handle2);
      drop(handle);
    }
  }
}

namespace {

struct Race {
  std::atomic<std::uint64_t> stale{0};
  std::atomic<bool> quit{false};
  std::atomic<std::uint32_t> violations{0}, tries{0};
};
constinit Race race;

void use_stale(Start&) {
  while (!race.quit.load(std::memory_order_acquire)) {
    const auto handle = race.stale.load(std::memory_order_acquire);
    if (handle == 0) continue;
    race.tries.fetch_add(1, std::memory_order_relaxed);
    if (is_valid(handle) || raw(CallNumber::EventDeliver, handle, 1).ok()) race.violations.fetch_add(1);
    if (cpus() == 1) static_cast<void>(calls::yield());
  }
}

}  // namespace

TEST("CAP-4: other CPUs never get through with a stale handle while its slot is reused") {
  race.stale = 0;
  race.quit = false;
  race.violations = race.tries = 0;
  Worker a({.cpu = core::CpuId(1 % cpus())}), b({.cpu = core::CpuId(2 % cpus())});
  a.run(&use_stale);
  b.run(&use_stale);
  for (unsigned i = 0; i != 5'000 || race.tries.load() < 1'000; ++i) {
    const auto event = need(calls::event_create());
    drop(event.raw());
    race.stale.store(event.raw(), std::memory_order_release);
    if (cpus() == 1) static_cast<void>(calls::yield());
  }
  race.quit = true;
  a.join_returned();
  b.join_returned();
  CHECK_EQ(race.violations.load(), 0u);
}

TEST("CAP-4: handles of a destroyed domain's slots do not come alive in the next one") {
  const auto event = need(calls::event_create());
  for (unsigned i = 0; i != 20; ++i) {
    Child child({.pages = PageCount(16)});
    std::uint64_t last = 0;
    for (unsigned j = 0; j != 100; ++j) last = child.give(event, Rights(Right::Send));
    // From outside, a handle of the child is not a handle of ours.
    CHECK(last != event.raw());
    const auto gone = child.domain();
    child.destroy();
    CHECK_FAILS(calls::cap_derive(event, Rights(Right::Send), gone), Error::Stale);
  }
  drop(event.raw());
}

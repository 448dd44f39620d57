// CAP-3, revocation: once exo_cap_revoke(c) returns, no check of c or of anything derived from it succeeds, in any
// domain, on any CPU, and nothing that had passed a check before still acts on it.
//
// The protocol: the revoker sets `over` after the call has returned. Whoever reads `over` before a use and succeeds in
// that use has found a violation.
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

struct Shared {
  std::atomic<std::uint64_t> cap{0};    ///< what is hammered in this round
  std::atomic<std::uint32_t> round{0};  ///< begins with an odd number
  std::atomic<bool> over{false}, quit{false};
  std::atomic<std::uint32_t> at_work{0};  ///< workers that have used it in this round
  std::atomic<std::uint32_t> violations{0};
  std::atomic<std::uint64_t> uses{0};
};
constinit Shared shared;

/// One worker: uses the capability of the round until the round is over and it has failed.
template <class Use>
void hammer(Use use) {
  std::uint32_t seen = 0;
  while (!shared.quit.load(std::memory_order_acquire)) {
    const auto round = shared.round.load(std::memory_order_acquire);
    if (round == seen) {
      nap();
      continue;
    }
    seen = round;
    const auto cap = shared.cap.load(std::memory_order_acquire);
    bool counted = false;
    for (;;) {
      const bool over = shared.over.load(std::memory_order_seq_cst);
      const bool succeeded = use(cap);
      if (over && succeeded) shared.violations.fetch_add(1);
      if (succeeded) shared.uses.fetch_add(1, std::memory_order_relaxed);
      if (!counted) shared.at_work.fetch_add(1);
      counted = true;
      if (over || !succeeded) break;
    }
    // Revoked means for ever.
    while (!shared.over.load(std::memory_order_seq_cst)) {
      if (shared.quit.load()) return;
      static_cast<void>(calls::yield());
    }
    for (unsigned i = 0; i != 20; ++i) {
      if (use(cap)) shared.violations.fetch_add(1);
    }
    shared.at_work.fetch_sub(1);
  }
}

void reset_shared() {
  shared.cap = 0;
  shared.round = 0;
  shared.over = shared.quit = false;
  shared.at_work = shared.violations = 0;
  shared.uses = 0;
}

/// `rounds` revocations under the fire of one worker on each CPU but this one (on one CPU: one beside us).
template <class Make>
void fire(void (*body)(Start&), unsigned rounds, Make make) {
  reset_shared();
  const unsigned workers = cpus() > 1 ? cpus() - 1 : 1;
  alignas(Worker) char storage[16][sizeof(Worker)];
  Worker* team[16];
  for (unsigned i = 0; i != workers; ++i) {
    team[i] = new (storage[i]) Worker({.cpu = core::CpuId(cpus() > 1 ? i + 1 : 0)});
    team[i]->run(body, i);
  }
  for (unsigned i = 0; i != rounds; ++i) {
    const auto [target, revoked] = make();
    shared.over = false;
    shared.cap.store(target, std::memory_order_release);
    shared.round.fetch_add(1, std::memory_order_release);
    spin_until([&] { return shared.at_work.load() == workers; });
    CHECK_OK(calls::cap_revoke(Cap<T::Any>(revoked)));
    shared.over.store(true, std::memory_order_seq_cst);
    spin_until([&] { return shared.at_work.load() == 0; });
  }
  shared.quit = true;
  for (unsigned i = 0; i != workers; ++i) {
    team[i]->join_returned();
    team[i]->~Worker();
  }
  CHECK_EQ(shared.violations.load(), 0u);
  CHECK(shared.uses.load() >= std::uint64_t{rounds} * workers / 2);
}

struct Pair {
  std::uint64_t target, revoked;
};

constinit Cap<T::Event> base_event;
constinit Cap<T::Pages> base_pages;
constinit std::array<std::uint64_t, 16> spaces{};

/// A chain of `depth` derivations; the middle one is revoked.
Pair chain(Cap<T::Any> from, unsigned depth) {
  auto at = from.raw();
  std::uint64_t middle = 0;
  for (unsigned i = 0; i != depth; ++i) {
    at = need(calls::cap_derive(Cap<T::Any>(at), core::cap::kAllRights.without(Rights(Right::Once)))).raw();
    if (i == depth / 2) middle = at;
  }
  return {at, middle};
}
void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }

}  // namespace

TEST("CAP-3: no check succeeds after the revoke of an ancestor, on any CPU") {
  base_event = need(calls::event_create());
  fire(
      [](Start&) {
        hammer(
            [](std::uint64_t cap) { return raw(CallNumber::CapCheck, cap, Rights(Right::Send).raw()).ok(); });
      },
      40, [] { return chain(base_event, 9); });
  drop(base_event.raw());
}

TEST("CAP-3: no signal succeeds after the revoke") {
  base_event = need(calls::event_create());
  fire([](Start&) { hammer([](std::uint64_t cap) { return raw(CallNumber::EventDeliver, cap, 1).ok(); }); },
       40, [] { return chain(base_event, 3); });
  drop(base_event.raw());
}

TEST("CAP-3: no derivation succeeds after the revoke, and nothing derived meanwhile survives") {
  base_event = need(calls::event_create());
  fire(
      [](Start& start) {
        hammer([&start](std::uint64_t cap) {
          const auto fresh =
              raw(CallNumber::CapDerive, cap, core::cap::kAllRights.without(Rights(Right::Once)).raw());
          // The one derived in the round before this use: it must have ended with its ancestor.
          const bool over = shared.over.load();
          if (over && start.shared[0] != 0 && is_valid(start.shared[0])) shared.violations.fetch_add(1);
          if (fresh.ok()) start.shared[0] = fresh.value;
          return fresh.ok();
        });
      },
      30, [] { return chain(base_event, 2); });
  drop(base_event.raw());
}

TEST("CAP-3: nothing can be mapped after the revoke, and what was mapped is gone") {
  base_pages = need(calls::alloc_mem_pages(PageCount(4), abi::PageFlags{}));
  for (auto& space : spaces) space = need(calls::address_space_create()).raw();
  const auto before = books();
  fire(
      [](Start& start) {
        hammer([&start](std::uint64_t cap) {
          const auto space = spaces[start.argument];
          const auto mapped = raw(CallNumber::MapPages, space, cap, 0x7000'0000, 0, 4, 3);
          if (mapped.ok()) return true;
          // Refused: unless something is there still. After the revoke nothing may be.
          const bool over = shared.over.load();
          const auto unmapped = raw(CallNumber::UnmapPages, space, 0x7000'0000, 4);
          if (over && unmapped.ok() && unmapped.value != 0) shared.violations.fetch_add(1);
          return mapped.error() == Error::Mapped && !over;
        });
      },
      30, [] { return chain(base_pages, 2); });
  check_books(before);
  for (auto& space : spaces) drop(space);
  drop(base_pages.raw());
}

namespace {

constexpr std::uint64_t kVictim = 0x6200'0000'0000;

/// Writes to a page until it faults. Having seen `over`, no write may succeed.
void write_for_ever(Start& start) {
  auto* const word = reinterpret_cast<volatile std::uint64_t*>(kVictim + start.argument * 8);
  for (std::uint64_t i = 1;; ++i) {
    const bool over = shared.over.load(std::memory_order_seq_cst);
    *word = i;
    if (i == 1) shared.at_work.fetch_add(1);
    if (over) {
      shared.violations.fetch_add(1);
      return;
    }
  }
}

}  // namespace

TEST("CAP-3: after the revoke of mapped pages every CPU faults, in each address space") {
  const auto before = books();
  for (unsigned round = 0; round != 10; ++round) {
    reset_shared();
    const auto pages = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{}));
    const auto derived = need(calls::cap_derive(pages, core::cap::kAllRights.without(Rights(Right::Once))));
    {
      Child a, b;
      Child* const homes[3] = {&a, &b, nullptr};
      alignas(Worker) char storage[3][sizeof(Worker)];
      Worker* team[3];
      for (unsigned i = 0; i != 3; ++i) {
        const auto space = homes[i] != nullptr ? homes[i]->space() : environment().space;
        need(calls::map_pages(space, derived, VirtAddr(kVictim), PageCount(0), PageCount(1),
                              abi::AccessBit::Read | abi::AccessBit::Write));
        team[i] = new (storage[i]) Worker({.cpu = core::CpuId((i + 1) % cpus()), .child = homes[i]});
        team[i]->run(&write_for_ever, i);
      }
      spin_until([] { return shared.at_work.load() == 3; });
      CHECK_OK(calls::cap_revoke(derived));
      shared.over = true;
      for (Worker* worker : team) {
        CHECK_EQ(worker->join(), End::Faulted);
        CHECK_EQ(worker->fault_vector(), 14u);
        CHECK_EQ(worker->fault_address() & ~std::uint64_t{63}, kVictim);
        worker->~Worker();
      }
      CHECK_EQ(shared.violations.load(), 0u);
    }
    drop(pages.raw());
  }
  check_books(before);
}

TEST("CAP-3: 10,000 descendants in several domains end at once and are cleaned up") {
  grow_space(11'000);
  const auto before = books();
  {
    constexpr unsigned kDomains = 4, kEach = 2'500;
    const auto event = need(calls::event_create());
    const auto top = need(calls::cap_derive(event, core::cap::kAllRights.without(Rights(Right::Once))));
    alignas(Child) char storage[kDomains][sizeof(Child)];
    Child* children[kDomains];
    for (unsigned d = 0; d != kDomains; ++d) {
      children[d] = new (storage[d]) Child({.pages = PageCount(96)});
      auto at = top;
      for (unsigned i = 0; i != kEach; ++i) {
        // Chains of 20 hanging on the top.
        if (i % 20 == 0) at = top;
        const auto next = calls::cap_derive(at, core::cap::kAllRights.without(Rights(Right::Once)),
                                            i % 20 == 19 ? children[d]->domain() : DomainCap{});
        if (!CHECK_OK(next)) break;
        if (i % 20 != 19) at = *next;
        CHECK(children[d]->give(top, Rights(Right::Send)) != 0);
      }
    }
    const auto query = calls::budget_query(children[0]->budget()).value_or(0) & 0xffff'ffff;
    CHECK(query > 2'500 / 63);
    CHECK_OK(calls::cap_revoke(top));
    for (Child* child : children) {
      // Nothing of it is valid there; its own context's handle is.
      Worker worker({.child = child});
      worker.run([](Start&) {
        unsigned valid = 0;
        for (std::uint64_t slot = 1; slot != 3'000; ++slot) {
          for (std::uint64_t generation = 1; generation != 4; ++generation)
            valid += is_valid(generation << 32 | slot) ? 1 : 0;
        }
        CHECK_EQ(valid, 1u);
      });
      worker.join_returned();
    }
    CHECK(is_valid(event.raw()));
    for (Child* child : children) child->~Child();
    drop(event.raw());
  }
  check_books(before);
}

namespace {

void revoke_given(Start& start) {
  spin_until([] { return shared.round.load() != 0; });
  const auto answer = raw(CallNumber::CapRevoke, start.argument);
  // Whoever comes second finds it gone.
  CHECK(answer.ok() || answer.error() == Error::Revoked || answer.error() == Error::Stale ||
        answer.error() == Error::BadHandle);
  if (is_valid(start.argument)) shared.violations.fetch_add(1);
}

}  // namespace

TEST("CAP-3: two revokers at once, of an ancestor and of a descendant") {
  const auto event = need(calls::event_create());
  {
    Worker warm({.cpu = core::CpuId(1 % cpus())}), warm2({.cpu = core::CpuId(2 % cpus())});
  }
  grow_space(200);
  const auto before = books();
  for (unsigned round = 0; round != 30; ++round) {
    reset_shared();
    auto at = need(calls::cap_derive(event, core::cap::kAllRights.without(Rights(Right::Once))));
    const auto top = at;
    auto middle = at;
    for (unsigned i = 0; i != 12; ++i) {
      at = need(calls::cap_derive(at, core::cap::kAllRights.without(Rights(Right::Once))));
      for (unsigned j = 0; j != 5; ++j) need(calls::cap_derive(at, Rights(Right::Send)));
      if (i == round % 12) middle = at;
    }
    {
      Worker a({.cpu = core::CpuId(1 % cpus())}), b({.cpu = core::CpuId(2 % cpus())});
      a.run(&revoke_given, top.raw());
      b.run(&revoke_given, middle.raw());
      shared.round = 1;
      a.join_returned();
      b.join_returned();
    }
    CHECK(!is_valid(at.raw()));
    CHECK(!is_valid(top.raw()));
    CHECK_EQ(shared.violations.load(), 0u);
  }
  check_books(before);
  drop(event.raw());
}

TEST("CAP-3: a waiter comes back with Revoked when its capability goes") {
  const auto event = need(calls::event_create());
  const auto derived = need(calls::cap_derive(event, core::cap::kAllRights.without(Rights(Right::Once))));
  Worker waiter({.cpu = core::CpuId(1 % cpus())});
  waiter.run(
      [](Start& start) {
        start.shared[0] = 1;
        const auto answer = raw(CallNumber::EventWait, start.argument, 1, ~std::uint64_t{0});
        start.shared[1] = answer.status;
      },
      derived.raw());
  spin_until([&] { return (calls::context_query(waiter.context(), 0).value_or(0) & 0xff) == 3; });
  CHECK_OK(calls::cap_revoke(derived));
  waiter.join_returned();
  CHECK_EQ(static_cast<Error>(waiter.start().shared[1].load()), Error::Revoked);
  drop(event.raw());
}

TEST("CAP-3: a timer and an operation whose event was revoked signal nothing any more") {
  const auto event = need(calls::event_create());
  const auto derived = need(calls::cap_derive(event, core::cap::kAllRights.without(Rights(Right::Once))));
  const auto timer = need(calls::timer_create(derived, abi::Bit(5)));
  const auto op = need(calls::submit_async_op(abi::AsyncKind::Server, derived, abi::Bit(6)));
  CHECK_OK(calls::timer_arm(timer, core::Nanoseconds(1), core::Nanoseconds(0)));
  CHECK_OK(calls::event_wait(event, abi::EventBits(1 << 5), abi::kNever));
  CHECK_OK(calls::cap_revoke(derived));
  CHECK_OK(calls::timer_arm(timer, core::Nanoseconds(1), core::Nanoseconds(0)));
  CHECK_OK(calls::complete_async_op(op, 1));
  for (unsigned i = 0; i != 50; ++i) static_cast<void>(calls::yield());
  CHECK_FAILS(calls::event_wait(event, abi::EventBits(~0ull), core::Nanoseconds(0)), Error::TimedOut);
  drop(timer.raw());
  drop(op.raw());
  drop(event.raw());
}

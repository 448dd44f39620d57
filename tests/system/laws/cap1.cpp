// CAP-1, unforgeable: only the kernel fills a slot; a handle not given is never valid.
#include "abi/decode_cases.hpp"
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr std::uint64_t kSlotsTried = 33'000;  // above kMaxSlots
constexpr std::array<std::uint64_t, 6> kGenerations{0, 1, 2, 3, 0x7fff'ffff, 0xffff'ffff};

std::uint64_t handle(std::uint64_t slot, std::uint64_t generation) { return generation << 32 | slot; }

bool given(const Start& start, std::uint64_t candidate) {
  for (const auto own : start.handles) {
    if (own != 0 && own == candidate) return true;
  }
  return candidate == start.self;
}

/// A handle that was not given must be refused, by a name that says so.
void try_forged(const Start& start, std::uint64_t candidate) {
  if (given(start, candidate)) return;
  const auto answer = raw(CallNumber::CapQuery, candidate);
  const bool refused = answer.error() == Error::BadHandle || answer.error() == Error::Stale;
  if (refused) return;
  diag("handle ", core::text::hex(candidate), " gives status ", answer.status);
  report_failure(Where::current(), "a forged handle was not refused");
}

void try_all_slots(Start& start) {
  for (std::uint64_t slot = 0; slot != kSlotsTried; ++slot) {
    for (const auto generation : kGenerations) try_forged(start, handle(slot, generation));
  }
  // The slot number has 32 bits; only the low ones choose an entry.
  for (const auto high : {0x8000ull, 0x10000ull, 0x80000000ull, 0xffff0000ull}) {
    for (std::uint64_t slot = 0; slot != 256; ++slot) {
      for (const auto generation : kGenerations) try_forged(start, handle(slot | high, generation));
    }
  }
}

void try_random(Start& start) {
  Random random(start.argument);
  for (unsigned i = 0; i != 100'000; ++i) try_forged(start, random());
  for (unsigned i = 0; i != 100'000; ++i) try_forged(start, handle(random.below(256), random.below(16)));
}

/// A given handle with one bit turned.
void try_neighbours(Start& start) {
  for (const auto own : start.handles) {
    if (own == 0) continue;
    for (unsigned bit = 0; bit != 64; ++bit) try_forged(start, own ^ (std::uint64_t{1} << bit));
    for (unsigned a = 0; a != 64; ++a) {
      for (unsigned b = 0; b != a; ++b)
        try_forged(start, own ^ (std::uint64_t{1} << a) ^ (std::uint64_t{1} << b));
    }
  }
}

void attack(void (*body)(Start&), std::uint64_t argument) {
  Child child;
  Worker worker({.child = &child});
  const auto event = need(calls::event_create());
  auto& start = worker.start();
  start.handles[0] = child.give(event, Rights(Right::Send));
  start.handles[1] = child.give(event, Right::Send | Right::Wait);
  start.handles[2] = child.give(child.domain(), Rights(Right::Control));
  worker.run(body, argument);
  worker.join_returned();
  CHECK_OK(calls::cap_drop(Cap<T::Any>(event)));
}

}  // namespace

TEST("CAP-1: no slot of a foreign domain is valid in any near generation") { attack(&try_all_slots, 0); }

TEST("CAP-1: random handles are refused") { attack(&try_random, 42); }

TEST("CAP-1: a given handle with one or two bits turned is refused") { attack(&try_neighbours, 0); }

TEST("CAP-1: the handles of another domain mean nothing here") {
  // A child's handle value that the parent does not hold must not reach the child's capability.
  Child child;
  const auto event = need(calls::event_create());
  std::uint64_t last = 0;
  for (unsigned i = 0; i != 200; ++i) last = child.give(event, Rights(Right::Send));
  Worker worker({.child = &child});
  worker.start().handles[0] = last;
  worker.run([](Start& start) {
    CHECK(is_valid(start.handles[0]));
    // The first domain's handles, as it stores them in the shared image.
    for (const std::uint64_t foreign :
         {environment().domain.raw(), environment().budget.raw(), environment().space.raw(),
          environment().context.raw(), environment().archive.raw()}) {
      if (foreign == start.self || foreign == start.handles[0]) continue;
      const auto answer = calls::cap_query(Cap<T::Any>(foreign));
      // The slot may be one of ours by chance: then it is the event, with SEND and no more.
      if (answer) CHECK_EQ(*answer & 0xff'ffff'ffff, Rights(Right::Send).raw() | 6ull << 32);
    }
  });
  worker.join_returned();
  CHECK_OK(calls::cap_drop(Cap<T::Any>(event)));
}

TEST("CAP-1: no call takes a forged handle for any of its capabilities") {
  Child child;
  Worker worker({.child = &child});
  worker.run([](Start& start) {
    Random random(7);
    for (const auto& call : abi::cases::kCalls) {
      for (std::size_t which = 0; which != call.count; ++which) {
        if (call.args[which].kind != "cap") continue;
        for (unsigned round = 0; round != 200; ++round) {
          const auto forged = round % 2 == 0 ? random() : handle(random.below(128), random.below(4));
          if (given(start, forged) || forged == 0) continue;
          std::array<std::uint64_t, 6> args{0x10000, 1, 0, 0, 0, 0};
          args[which] = forged;
          const auto answer = raw(call.number, args);
          if (answer.ok())
            diag(call.name, " argument ", std::uint64_t{which}, " took ", core::text::hex(forged));
          CHECK(!answer.ok());
          CHECK(named(answer.status));
        }
      }
    }
  });
  worker.join_returned();
}

TEST("CAP-1: handle 0 is no capability, even where it is optional") {
  CHECK_FAILS(calls::cap_query(Cap<T::Any>(0)), Error::BadHandle);
  CHECK_FAILS(calls::cap_drop(Cap<T::Any>(0)), Error::BadHandle);
  CHECK_FAILS(calls::cap_revoke(Cap<T::Any>(0)), Error::BadHandle);
  CHECK_FAILS(calls::map_pages({}, {}, VirtAddr(0x10000), PageCount(0), PageCount(1),
                               abi::Access(abi::AccessBit::Read)),
              Error::BadHandle);
}

TEST("CAP-1: slots that a growing space has just got are not valid") {
  // 63 entries per page: the first handle of each page and what lies around it.
  const auto before = books();
  {
    Child child({.pages = PageCount(64)});
    const auto event = need(calls::event_create());
    Worker worker({.child = &child});
    for (unsigned i = 0; i != 300; ++i) {
      const auto fresh = child.give(event, Rights(Right::Send));
      CHECK((fresh & 63) != 0);
    }
    worker.run([](Start&) {
      unsigned valid = 0;
      for (std::uint64_t slot = 0; slot != kSlotsTried; ++slot) {
        for (const auto generation : kGenerations) valid += is_valid(handle(slot, generation)) ? 1 : 0;
      }
      CHECK_EQ(valid, 301u);  // 300 events and itself
    });
    worker.join_returned();
    CHECK_OK(calls::cap_drop(Cap<T::Any>(event)));
  }
  check_books(before);
}

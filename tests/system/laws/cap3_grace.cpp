// CAP-3, the grace period: once exo_cap_revoke(c) returns, nothing that had passed a check before still acts on it. Not
// a word about checks here: these tests are about calls that were under way, and fail if a revocation does not wait for
// them (kernel/sched/kick.cpp, wait_for_grace).
//
// The protocol: workers on the other CPUs make long calls by a derived capability, without a pause, until one is
// refused, and say so. Meanwhile the revoker revokes an ancestor, at another moment each time, and when that has
// returned leaves its marks where the calls act. When every worker has been refused no call is under way any more: what
// was done to the marks was done after the revocation. Nothing depends on how long anything takes.
#include "libos/rt/memory.hpp"
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/raw.hpp"
#include "tests/system/harness/team.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr auto kEvery = core::cap::kAllRights.without(Rights(Right::Once));
constexpr PageCount kRun{8};  // what one transfer copies
constexpr std::uint64_t kRunBytes = kRun.raw() * core::kPageSize;
constexpr std::uint64_t kTheirs = 0x5555'5555'5555'5555, kMine = 0x1234'5678'9abc'def0;
constexpr unsigned kCopyRounds = 40, kMapRounds = 20;

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }
std::uint64_t derive(std::uint64_t cap) { return need(calls::cap_derive(Cap<T::Any>(cap), kEvery)).raw(); }

struct Shared {
  std::atomic<std::uint64_t> cap{0},
      peer{0};  ///< what the calls of this round are made by, and what else they need
  std::atomic<std::uint32_t> round{0}, at_work{0}, refused{0};
  std::atomic<bool> quit{false};
};
constinit Shared shared;

/// A worker: in each round makes calls until one is refused.
template <class Call>
void work(Call call) {
  std::uint32_t seen = 0;
  for (;;) {
    spin_until([&] { return shared.round.load() != seen || shared.quit.load(); });
    if (shared.quit.load()) return;
    seen = shared.round.load();
    for (bool first = true; call(shared.cap.load()); first = false) {
      if (first) shared.at_work.fetch_add(1);
    }
    shared.refused.fetch_add(1);
  }
}

/// One revocation under fire: `revoke` at a random moment, then `mark`; true when all calls are over.
template <class Revoke, class Mark>
void revoke_under_fire(Random& random, std::uint64_t cap, Revoke revoke, Mark mark) {
  const auto workers = cpus() - 1;
  shared.cap = cap;
  shared.at_work = shared.refused = 0;
  shared.round.fetch_add(1);
  spin_until([&] { return shared.at_work.load() == workers; });
  for (auto turns = random.below(2'000); turns != 0; --turns) __builtin_ia32_pause();
  revoke();
  mark();
  spin_until([&] { return shared.refused.load() == workers; });
}

/// The whole of a test: workers on all other CPUs, and `round` as often as it takes.
template <class Round>
void fire(unsigned rounds, void (*body)(Start&), Round round) {
  if (cpus() == 1) skip("one CPU: no call is under way while another one is made");
  shared.quit = false;
  shared.round = 0;
  grow_space(40);
  Team team(cpus() - 1, body);
  Random random(42);
  const auto before = books();
  for (unsigned i = 0; i != rounds && failures() == 0; ++i) round(random, i);
  shared.quit = true;
  team.join();
  check_books(before);
}

bool copy(exo_area& area, std::uint64_t to, std::uint64_t from) {
  area.transfer = {0, to, 0, 0, from, 0, kRunBytes, 0};
  return raw(CallNumber::TransferData).ok();
}

/// Eight pages, mapped here; the last word of each is what the tests look at: a copy comes to it late.
struct Run {
  libos::rt::Region region;
  explicit Run(std::uint64_t pattern) : region(need(libos::rt::allocate(kRun))) { fill(pattern); }
  [[nodiscard]] std::uint64_t pages() const { return region.pages.get().raw(); }
  [[nodiscard]] volatile std::uint64_t* words() const { return region.mapping.as<volatile std::uint64_t>(); }
  [[nodiscard]] volatile std::uint64_t& last(std::uint64_t page) const { return words()[page * 512 + 511]; }
  void fill(std::uint64_t pattern) const {
    for (std::uint64_t i = 0; i != kRunBytes / 8; ++i) words()[i] = pattern;
  }
  void mark(std::uint64_t value) const {
    for (std::uint64_t page = kRun.raw(); page != 0; --page) last(page - 1) = value;
  }
  /// How many of the marks are something else by now.
  [[nodiscard]] unsigned marks_other_than(std::uint64_t value) const {
    unsigned count = 0;
    for (std::uint64_t page = 0; page != kRun.raw(); ++page) count += last(page) != value ? 1 : 0;
    return count;
  }
};

/// Copies go through a capability derived from a derived one, and that is revoked.
template <class Revoke>
void write_under_fire(void (*body)(Start&), Revoke revoke) {
  const Run to(0), from(kTheirs);
  shared.peer = from.pages();
  fire(kCopyRounds, body, [&](Random& random, unsigned round) {
    const auto middle = derive(to.pages()), used = derive(middle);
    revoke_under_fire(random, used, [&] { revoke(middle, used, round); }, [&] { to.mark(kMine); });
    CHECK_EQ(to.marks_other_than(kMine), 0u);
  });
}

void copy_to(Start& s) {
  work([&s](std::uint64_t cap) { return copy(*s.area, cap, shared.peer); });
}
void revoke_alone(std::uint64_t middle, std::uint64_t, unsigned) {
  CHECK(raw(CallNumber::CapRevoke, middle).ok());
}

}  // namespace

TEST("CAP-3: a copy that was under way writes nothing after the revoke of its target") {
  write_under_fire(&copy_to, &revoke_alone);
}

TEST("CAP-3: the same when what the copies use is dropped, itself or its ancestor") {
  write_under_fire(&copy_to, [](std::uint64_t middle, std::uint64_t used, unsigned round) {
    CHECK(raw(CallNumber::CapDrop, round % 2 == 0 ? used : middle).ok());
    if (round % 2 == 0) drop(middle);
  });
}

TEST("CAP-3: the same when the copies are entries of call rings") {
  write_under_fire(
      [](Start& s) {
        work([&s](std::uint64_t cap) {
          for (unsigned i = 0; i != 4; ++i) s.ring->entries[i] = calls::encode_transfer_data();
          s.area->transfer = {0, cap, 0, 0, shared.peer, 0, kRunBytes, 0};
          return calls::ring_submit(4).value_or(0) == 4;
        });
      },
      &revoke_alone);
}

TEST("CAP-3: the same when the revoke is an entry of a call ring") {
  write_under_fire(&copy_to, [](std::uint64_t middle, std::uint64_t, unsigned) {
    auto& ring = *test_start().ring;
    ring.entries[0] = calls::encode_null();
    ring.entries[1] = calls::encode_cap_revoke(Cap<T::Any>(middle));
    ring.entries[2] = calls::encode_null();
    CHECK_EQ(calls::ring_submit(3).value_or(0), 3u);
  });
}

TEST("CAP-3: the same when the copies are operations") {
  write_under_fire(
      [](Start& s) {
        work([&s](std::uint64_t cap) {
          s.area->async.transfer = {0, cap, 0, 0, shared.peer, 0, kRunBytes, 0};
          const auto op =
              raw(CallNumber::SubmitAsyncOp, static_cast<std::uint64_t>(abi::AsyncKind::Transfer), 0, 0);
          if (op.ok()) drop(op.value);
          return op.ok();
        });
      },
      &revoke_alone);
}

TEST("CAP-3: a copy that was under way reads nothing after the revoke of its source") {
  const Run to(0), from(kTheirs);
  shared.peer = to.pages();
  fire(
      kCopyRounds,
      [](Start& s) { work([&s](std::uint64_t cap) { return copy(*s.area, shared.peer, cap); }); },
      [&](Random& random, unsigned) {
        from.mark(kTheirs);
        const auto middle = derive(from.pages()), used = derive(middle);
        revoke_under_fire(random, used, [&] { revoke_alone(middle, used, 0); }, [&] { from.mark(kMine); });
        CHECK_EQ(to.marks_other_than(kTheirs), 0u);
      });
}

TEST("CAP-3: a copy that was under way when its target was freed touches nobody's fresh pages") {
  const Run from(kTheirs);
  shared.peer = from.pages();
  fire(kCopyRounds, &copy_to, [](Random& random, unsigned) {
    const auto pages = need(calls::alloc_mem_pages(kRun, abi::PageFlags{})).raw();
    std::uint64_t fresh = 0;
    revoke_under_fire(
        random, derive(pages), [&] { CHECK(raw(CallNumber::FreeMemPages, pages).ok()); },
        [&] { fresh = need(calls::alloc_mem_pages(kRun, abi::PageFlags{})).raw(); });
    auto mapping = need(libos::rt::map(Cap<T::Pages>(fresh), PageCount(0), kRun, libos::rt::kReadOnly));
    std::uint64_t dirty = 0;
    for (std::uint64_t i = 0; i != kRunBytes / 8; ++i) dirty |= mapping.as<volatile std::uint64_t>()[i];
    CHECK_EQ(dirty, 0u);
    mapping.reset();
    drop(fresh);
  });
}

namespace {

constexpr std::uint64_t kAt = 0x7000'0000, kWindow = 64;
std::uint64_t window(std::uint64_t worker) { return kAt + worker * kWindow * core::kPageSize; }

/// What is mapped in the windows of all workers, and takes it away.
std::uint64_t sweep(std::uint64_t space) {
  std::uint64_t swept = 0;
  for (unsigned i = 0; i != cpus() - 1; ++i)
    swept += raw(CallNumber::UnmapPages, space, window(i), kWindow).value;
  return swept;
}

}  // namespace

TEST("CAP-3: a map call that was under way maps nothing after the revoke of the address space") {
  // All of them map the same run, so that they wait for each other with their checks behind them.
  const auto pages = need(calls::alloc_mem_pages(PageCount(kWindow), abi::PageFlags{})).raw();
  const auto space = need(calls::address_space_create()).raw();
  shared.peer = pages;
  for (unsigned i = 0; i != cpus() - 1; ++i)  // its tables are there from now on
    CHECK(raw(CallNumber::MapPages, space, pages, window(i), 0, kWindow, 1).ok());
  static_cast<void>(sweep(space));
  fire(
      kMapRounds,
      [](Start& s) {
        const auto at = window(s.handles[0]);
        work([at](std::uint64_t cap) {
          return raw(CallNumber::MapPages, cap, shared.peer, at, 0, kWindow, 1).ok() &&
                 raw(CallNumber::UnmapPages, cap, at, kWindow).ok();
        });
      },
      [&](Random& random, unsigned) {
        const auto middle = derive(space), used = derive(middle);
        revoke_under_fire(
            random, used, [&] { revoke_alone(middle, used, 0); }, [&] { static_cast<void>(sweep(space)); });
        CHECK_EQ(sweep(space), 0u);
      });
  drop(space);
  drop(pages);
}

// Pages under way: unmapped and revoked under running contexts, zeroed before they come to somebody else, copied and
// moved; address spaces destroyed while they are loaded.
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr std::uint64_t kRead = 1, kReadWrite = 3;
constexpr std::uint64_t kAt = 0x6300'0000'0000, kThere = 0x6310'0000'0000;
constexpr std::uint64_t kPattern = 0xfeed'face'cafe'beef;

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }

struct Shared {
  std::atomic<bool> over{false};
  std::atomic<std::uint32_t> at_work{0}, violations{0};
};
constinit Shared shared;

/// Touches kAt until it faults; having seen `over` no access may succeed.
void touch_for_ever(Start&) {
  auto* const word = reinterpret_cast<volatile std::uint64_t*>(kAt);
  for (bool first = true;; first = false) {
    const bool over = shared.over.load(std::memory_order_seq_cst);
    *word = *word + 1;
    if (first) shared.at_work.fetch_add(1);
    if (over) {
      shared.violations.fetch_add(1);
      return;
    }
  }
}

template <class Take>
void take_away_under_fire(unsigned rounds, Take take) {
  for (unsigned round = 0; round != rounds; ++round) {
    shared.over = false;
    shared.at_work = shared.violations = 0;
    const auto pages = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{}));
    CHECK(raw(CallNumber::MapPages, environment().space.raw(), pages.raw(), kAt, 0, 1, kReadWrite).ok());
    Worker a({.cpu = core::CpuId(1 % cpus())}), b({.cpu = core::CpuId(2 % cpus())}),
        c({.cpu = core::CpuId(3 % cpus())});
    for (Worker* worker : {&a, &b, &c}) worker->run(&touch_for_ever);
    spin_until([] { return shared.at_work.load() == 3; });
    take(pages);
    shared.over = true;
    for (Worker* worker : {&a, &b, &c}) {
      CHECK_EQ(worker->join(), End::Faulted);
      CHECK_EQ(worker->fault_address(), kAt);
    }
    CHECK_EQ(shared.violations.load(), 0u);
    if (is_valid(pages.raw())) drop(pages.raw());
  }
}

}  // namespace

TEST("memory: unmapping under contexts that use the page on other CPUs") {
  take_away_under_fire(8, [](Cap<T::Pages>) {
    CHECK_EQ(raw(CallNumber::UnmapPages, environment().space.raw(), kAt, 1).value, 1u);
  });
}

TEST("memory: taking WRITE away under contexts that write on other CPUs") {
  take_away_under_fire(8, [](Cap<T::Pages>) {
    CHECK_EQ(raw(CallNumber::ProtectPages, environment().space.raw(), kAt, 1, kRead).value, 1u);
  });
}

TEST("memory: freeing pages under contexts that use them on other CPUs") {
  take_away_under_fire(8, [](Cap<T::Pages> pages) { CHECK_OK(calls::free_mem_pages(pages)); });
}

TEST("memory: a batch of many runs unmapped at once is gone on every CPU") {
  take_away_under_fire(4, [](Cap<T::Pages>) {
    auto& ring = *test_start().ring;
    for (std::uint64_t i = 0; i != 64; ++i) {
      ring.entries[i] = calls::encode_unmap_pages(
          environment().space, VirtAddr(kAt + (i == 63 ? 0 : (i + 1) * 4096)), PageCount(1));
    }
    CHECK_EQ(calls::ring_submit(64).value_or(0), 64u);
  });
}

TEST("memory: frames come back zeroed, whatever was in them") {
  // More than a quarter of what the machine has, so that the same frames are seen again.
  constexpr std::uint64_t kRun = 256;
  for (unsigned round = 0; round != 6; ++round) {
    std::array<std::uint64_t, 32> runs{};
    for (auto& run : runs) {
      const auto pages =
          calls::alloc_mem_pages(PageCount(round % 2 == 0 ? kRun : kRun - 3), abi::PageFlags{});
      if (!CHECK_OK(pages)) break;
      run = pages->raw();
      const std::uint64_t count = round % 2 == 0 ? kRun : kRun - 3;
      for (std::uint64_t i = 0; i < count; i += 64) {
        const auto n = count - i < 64 ? count - i : 64;
        CHECK(
            raw(CallNumber::MapPages, environment().space.raw(), run, kAt + i * 4096, i, n, kReadWrite).ok());
      }
      auto* const words = reinterpret_cast<std::uint64_t*>(kAt);
      std::uint64_t dirty = 0;
      for (std::uint64_t i = 0; i < count * 512; i += 8) {
        for (std::uint64_t j = 0; j != 8; ++j) dirty |= words[i + j];
        words[i + i % 8] = kPattern;
      }
      CHECK_EQ(dirty, 0u);
      for (std::uint64_t i = 0; i < count; i += 64)
        static_cast<void>(raw(CallNumber::UnmapPages, environment().space.raw(), kAt + i * 4096, 64));
    }
    for (const auto run : runs) {
      if (run != 0) drop(run);
    }
  }
}

TEST("memory: a revoked page in three address spaces goes to another domain zeroed") {
  Child a, b;
  const auto page = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{}));
  const auto derived = need(calls::cap_derive(page, Right::Read | Right::Write | Right::Map | Right::Revoke));
  for (const auto space : {a.space(), b.space(), environment().space}) {
    need(
        calls::map_pages(space, derived, VirtAddr(kAt), PageCount(0), PageCount(1), abi::Access(kReadWrite)));
  }
  *reinterpret_cast<volatile std::uint64_t*>(kAt) = kPattern;
  static constinit std::uint64_t seen;
  const auto look = [](Start&) { seen = *reinterpret_cast<volatile std::uint64_t*>(kAt); };
  Worker in_a({.cpu = core::CpuId(1 % cpus()), .child = &a}),
      in_b({.cpu = core::CpuId(2 % cpus()), .child = &b});
  for (Worker* worker : {&in_a, &in_b}) {
    seen = 0;
    worker->run(look);
    worker->join_returned();
    CHECK_EQ(seen, kPattern);
  }
  CHECK_OK(calls::cap_revoke(derived));
  for (Worker* worker : {&in_a, &in_b}) {
    worker->run(look);
    CHECK_EQ(worker->join(), End::Faulted);
    CHECK_EQ(worker->fault_address(), kAt);
  }
  // The page itself is there still, with its contents, for its owner.
  need(calls::map_pages(environment().space, page, VirtAddr(kAt), PageCount(0), PageCount(1),
                        abi::Access(kRead)));
  CHECK_EQ(*reinterpret_cast<volatile std::uint64_t*>(kAt), kPattern);
  drop(page.raw());
}

namespace {

struct Two {
  std::uint64_t from, to;
  Two()
      : from(need(calls::alloc_mem_pages(PageCount(20), abi::PageFlags{})).raw()),
        to(need(calls::alloc_mem_pages(PageCount(20), abi::PageFlags{})).raw()) {
    CHECK(raw(CallNumber::MapPages, environment().space.raw(), from, kAt, 0, 20, kReadWrite).ok());
    CHECK(raw(CallNumber::MapPages, environment().space.raw(), to, kThere, 0, 20, kReadWrite).ok());
  }
  Two(const Two&) = delete;
  Two& operator=(const Two&) = delete;
  ~Two() {
    drop(from);
    drop(to);
  }
};
core::Result<core::ByteCount> transfer(const exo_transfer& t) {
  test_start().area->transfer = t;
  return calls::transfer_data();
}

}  // namespace

TEST("transfer: a copy copies what it says, and in pieces what is large") {
  const Two two;
  auto* const from = reinterpret_cast<unsigned char*>(kAt);
  auto* const to = reinterpret_cast<unsigned char*>(kThere);
  constexpr std::uint64_t kSize = 20 * 4096;
  for (std::uint64_t i = 0; i != kSize; ++i) from[i] = static_cast<unsigned char>(i * 7 + i / 251);
  for (const std::uint64_t count : {0ul, 1ul, 7ul, 4096ul, 5000ul, 33'000ul, kSize}) {
    __builtin_memset(to, 0xee, kSize);
    std::uint64_t done = 0;
    while (done != count) {
      const auto step = transfer({0, two.to, done, 0, two.from, done, count - done, 0});
      if (!CHECK_OK(step) || !CHECK(step->raw() != 0 && step->raw() <= count - done)) break;
      done += step->raw();
    }
    if (count == 0)
      CHECK_EQ(transfer({0, two.to, 0, 0, two.from, 0, 0, 0}).value_or(core::ByteCount(9)).raw(), 0u);
    bool same = true;
    for (std::uint64_t i = 0; i != kSize; ++i) same = same && to[i] == (i < count ? from[i] : 0xee);
    CHECK(same);
  }
  // Onto itself, overlapping.
  const auto overlapped = transfer({0, two.from, 100, 0, two.from, 0, 3000, 0});
  CHECK_EQ(overlapped.value_or(core::ByteCount(0)).raw(), 3000u);
  CHECK_EQ(from[100 + 50], static_cast<unsigned char>(50 * 7));
}

TEST("transfer: offsets and counts beyond the runs are refused, however they wrap") {
  const Two two;
  constexpr std::uint64_t kSize = 20 * 4096;
  for (const std::uint64_t bad : {kSize + 1, 1ul << 32, 1ul << 63, ~0ul, ~0ul - kSize + 1}) {
    CHECK_FAILS(transfer({0, two.to, bad, 0, two.from, 0, 1, 0}), Error::BadRange);
    CHECK_FAILS(transfer({0, two.to, 0, 0, two.from, bad, 1, 0}), Error::BadRange);
    CHECK_FAILS(transfer({0, two.to, 0, 0, two.from, 0, bad, 0}), Error::BadRange);
    CHECK_FAILS(transfer({0, two.to, 16, 0, two.from, 16, bad, 0}), Error::BadRange);
  }
  CHECK_FAILS(transfer({0, two.to, kSize, 0, two.from, 0, 1, 0}), Error::BadRange);
  CHECK_FAILS(transfer({0, two.to, kSize - 1, 0, two.from, 0, 2, 0}), Error::BadRange);
  CHECK_OK(transfer({0, two.to, kSize, 0, two.from, kSize, 0, 0}));
}

namespace {

/// Moves that each differ from `good` in one thing: they are refused, and nothing has moved.
void refuse_moves(const exo_transfer& good) {
  const auto refused = [&](Error error, auto change) {
    auto t = good;
    change(t);
    CHECK_FAILS(transfer(t), error);
    CHECK_EQ(*reinterpret_cast<volatile std::uint64_t*>(kAt), kPattern);
  };
  refused(Error::BadAddress, [](auto& t) { t.dst_offset = kThere + 8; });
  refused(Error::BadAddress, [](auto& t) { t.src_offset = kAt + 1; });
  refused(Error::BadAddress, [](auto& t) { t.count = 4095; });
  for (const std::uint64_t address : {0x8000'0000'0000ull, 0xffff'8000'0000'0000ull, 0x7fff'ffff'f000ull}) {
    refused(Error::BadAddress, [&](auto& t) { t.dst_offset = address; });
    refused(Error::BadAddress, [&](auto& t) { t.src_offset = address; });
  }
  refused(Error::WrongType, [](auto& t) { t.dst_space = t.dst_pages; });
  refused(Error::BadHandle, [](auto& t) { t.src_space = 0; });
  refused(Error::NotMapped, [](auto& t) { t.src_offset = kAt + 0x100'0000; });
  const auto other = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{})).raw();
  refused(Error::BadArgument, [&](auto& t) { t.dst_pages = other; });
  refused(Error::BadArgument, [&](auto& t) { t.dst_pages = t.src_pages = other; });
  drop(other);
}

}  // namespace

TEST("transfer: move takes a page from one address space to another") {
  const auto before = books();
  {
    Child child;
    const auto pages = need(calls::alloc_mem_pages(PageCount(4), abi::PageFlags{}));
    const auto here = environment().space.raw(), there = child.space().raw();
    CHECK(raw(CallNumber::MapPages, here, pages.raw(), kAt, 0, 4, kReadWrite).ok());
    for (std::uint64_t i = 0; i != 4; ++i)
      *reinterpret_cast<volatile std::uint64_t*>(kAt + i * 4096) = kPattern + i;
    const exo_transfer good{there, pages.raw(), kThere, here, pages.raw(), kAt, 2 * 4096, 1};
    refuse_moves(good);
    // Onto something that is mapped: the page must not be lost at its old place.
    CHECK(raw(CallNumber::MapPages, there, pages.raw(), kThere, 3, 1, kRead).ok());
    CHECK_FAILS(transfer(good), Error::Mapped);
    CHECK_EQ(*reinterpret_cast<volatile std::uint64_t*>(kAt), kPattern);
    CHECK_EQ(raw(CallNumber::UnmapPages, there, kThere, 1).value, 1u);

    CHECK_EQ(transfer(good).value_or(core::ByteCount(0)).raw(), 2 * 4096u);
    static constinit std::uint64_t seen[2];
    Worker in_child({.cpu = core::CpuId(1 % cpus()), .child = &child});
    in_child.run([](Start&) {
      seen[0] = *reinterpret_cast<volatile std::uint64_t*>(kThere);
      seen[1] = *reinterpret_cast<volatile std::uint64_t*>(kThere + 4096);
    });
    in_child.join_returned();
    CHECK_EQ(seen[0], kPattern);
    CHECK_EQ(seen[1], kPattern + 1);
    Worker here_again;
    here_again.run([](Start&) { static_cast<void>(*reinterpret_cast<volatile std::uint64_t*>(kAt)); });
    CHECK_EQ(here_again.join(), End::Faulted);
    CHECK_EQ(raw(CallNumber::UnmapPages, here, kAt, 4).value, 2u);
    drop(pages.raw());
  }
  check_books(before);
}

TEST("transfer: move gives no access beyond the rights it is done with") {
  const auto pages = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{}));
  const auto weak = raw(CallNumber::CapDerive, pages.raw(), (Right::Read | Right::Map).raw()).value;
  const auto space = environment().space.raw();
  CHECK(raw(CallNumber::MapPages, space, weak, kAt, 0, 1, kRead).ok());
  CHECK_EQ(transfer({space, weak, kThere, space, weak, kAt, 4096, 1}).value_or(core::ByteCount(0)).raw(),
           4096u);
  Worker worker;
  worker.run([](Start&) { *reinterpret_cast<volatile std::uint64_t*>(kThere) = 1; });
  CHECK_EQ(worker.join(), End::Faulted);
  CHECK_EQ(raw(CallNumber::ProtectPages, space, kThere, 1, kReadWrite).error(), Error::Denied);
  drop(pages.raw());
}

TEST("memory: an address space destroyed while it is loaded takes its contexts along") {
  const auto before = books();
  for (unsigned round = 0; round != 8; ++round) {
    shared.at_work = 0;
    Child child;
    Worker a({.cpu = core::CpuId(1 % cpus()), .child = &child}),
        b({.cpu = core::CpuId(2 % cpus()), .child = &child});
    for (Worker* worker : {&a, &b}) {
      worker->run([](Start&) {
        shared.at_work.fetch_add(1);
        for (;;) {
        }
      });
    }
    spin_until([] { return shared.at_work.load() == 2; });
    CHECK_OK(calls::cap_revoke(child.space()));
    CHECK_EQ(a.join(), End::Stopped);
    CHECK_EQ(b.join(), End::Stopped);
    CHECK(!calls::context_start(a.context(), VirtAddr(0x400000), a.stack_top(), 0).has_value());
  }
  check_books(before);
}

TEST("memory: many CPUs map and unmap in one address space at once") {
  const auto pages = need(calls::alloc_mem_pages(PageCount(64), abi::PageFlags{}));
  {
    Worker a, b, c;
  }
  // The window's tables are there from now on.
  const auto before = books();
  {
    static constinit std::uint64_t run;
    run = pages.raw();
    Worker a({.cpu = core::CpuId(1 % cpus())}), b({.cpu = core::CpuId(2 % cpus())}),
        c({.cpu = core::CpuId(3 % cpus())});
    std::uint64_t seed = 1;
    for (Worker* worker : {&a, &b, &c}) {
      worker->run(
          [](Start& start) {
            Random random(start.argument);
            for (unsigned i = 0; i != 1'500; ++i) {
              // The same window for all: collisions are the point.
              const auto at = kAt + random.below(16) * 0x8000;
              if (random.below(2) == 0) {
                const auto mapped = raw(CallNumber::MapPages, environment().space.raw(), run, at,
                                        random.below(32), 1 + random.below(24), kReadWrite);
                CHECK(mapped.ok() || mapped.error() == Error::Mapped);
              } else {
                CHECK(raw(CallNumber::UnmapPages, environment().space.raw(), at, 1 + random.below(24)).ok());
              }
            }
          },
          seed++);
    }
    for (Worker* worker : {&a, &b, &c}) worker->join_returned();
    for (std::uint64_t i = 0; i != 4; ++i)
      CHECK(raw(CallNumber::UnmapPages, environment().space.raw(), kAt + i * 64 * 4096, 64).ok());
  }
  check_books(before);
  drop(pages.raw());
}

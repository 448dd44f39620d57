// Many mappings in one trap: a batch says and does what the same calls would one by one (C6.21), whatever is in it and
// whoever else edits the same tables.
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr std::uint64_t kAt = 0x6300'0000'0000, kTable = 512 * 4096;
constexpr std::uint64_t kRead = 1, kReadWrite = 3;
constexpr std::uint32_t kEntries = EXO_RING_ENTRIES;

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }

exo_ring_entry map_entry(std::uint64_t space, std::uint64_t pages, std::uint64_t address,
                         std::uint64_t offset, std::uint64_t count, std::uint64_t access) {
  return calls::entry_of(CallNumber::MapPages, space, pages, address, offset, count, access);
}

std::uint64_t mapped_pages(std::uint64_t space) {
  std::uint64_t found = 0;
  for (std::uint64_t at = 0; at != 3 * kTable; at += 64 * 4096)
    found += raw(CallNumber::UnmapPages, space, kAt + at, 64).value;
  return found;
}

/// Entries that are mostly good, and wrong in every way that a mapping can be.
class Entries {
 public:
  explicit Entries(std::uint64_t seed)
      : random_(seed),
        run_(need(calls::alloc_mem_pages(PageCount(4), abi::PageFlags{})).raw()),
        single_(need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{})).raw()),
        read_only_(raw(CallNumber::CapDerive, run_, (Right::Read | Right::Map).raw()).value),
        unmappable_(raw(CallNumber::CapDerive, run_, (Right::Read | Right::Write).raw()).value),
        gone_(raw(CallNumber::CapDerive, run_, (Right::Read | Right::Map).raw()).value) {
    drop(gone_);
  }
  Entries(const Entries&) = delete;
  Entries& operator=(const Entries&) = delete;
  ~Entries() {
    drop(run_);
    drop(single_);
  }
  exo_ring_entry next(std::uint64_t space) {
    if (random_.below(40) == 0) return calls::encode_null();
    if (random_.below(5) == 0) {
      const auto count = random_.below(20) == 0 ? random_.below(70) : random_.below(3);
      return calls::entry_of(CallNumber::UnmapPages, random_.below(40) == 0 ? run_ : space,
                             kAt + random_.below(48) * 4096 + (random_.below(40) == 0 ? 8 : 0), count);
    }
    const std::array pages{run_,       run_,        run_,  single_, single_,
                           read_only_, unmappable_, gone_, space,   std::uint64_t{0}};
    auto address = kAt + random_.below(48) * 4096;
    if (random_.below(12) == 0) address += kTable;
    if (random_.below(60) == 0) address += 8;
    if (random_.below(60) == 0) address |= 0xffff'8000'0000'0000;
    if (random_.below(60) == 0) address = core::kUserEnd;
    const auto offset = random_.below(30) == 0 ? random_.below(6) : 0;
    const auto count = random_.below(20) == 0 ? random_.below(3) : 1;
    const auto access = random_.below(20) == 0 ? random_.below(8) : kRead;
    const auto into = random_.below(60) == 0 ? run_ : space;
    const auto which = random_.below(6) == 0 ? random_.below(pages.size()) : random_.below(5);
    return map_entry(into, pages[which], address, offset, count, access);
  }

 private:
  Random random_;
  std::uint64_t run_, single_, read_only_, unmappable_, gone_;
};

/// The same entries by a batch and one by one, in two address spaces.
void compare(Entries& entries) {
  auto& ring = test_start().ring->entries;
  const auto batched = need(calls::address_space_create()).raw(),
             single = need(calls::address_space_create()).raw();
  for (unsigned round = 0; round != 40; ++round) {
    std::array<Raw, kEntries> alone{};
    std::uint32_t good = 0;
    for (auto& entry : ring) {
      entry = entries.next(batched);
      entry.status = 77;
    }
    for (; good != kEntries; ++good) {
      auto args = std::to_array(ring[good].args);
      for (auto& arg : args) arg = arg == batched ? single : arg;
      alone[good] = raw(ring[good].call, args);
      if (!alone[good].ok()) break;
    }
    CHECK_EQ(calls::ring_submit(kEntries).value_or(99), good);
    for (std::uint32_t i = 0; i != kEntries && i <= good; ++i) {
      CHECK_EQ(ring[i].status, alone[i].status);
      CHECK_EQ(ring[i].result, alone[i].value);
    }
    for (std::uint32_t i = good + 1; i < kEntries; ++i) CHECK_EQ(ring[i].status, 77u);
    if (round % 8 == 7) CHECK_EQ(mapped_pages(batched), mapped_pages(single));
  }
  drop(batched);
  drop(single);
}

}  // namespace

TEST("batches: mappings say what each of them would say alone [C6.21]") {
  {
    Entries warm_up(1);
    compare(warm_up);
  }
  const auto before = books();
  for (std::uint64_t seed = 2; seed != 6; ++seed) {
    Entries entries(seed);
    compare(entries);
  }
  check_books(before);
}

TEST("batches: 64 pages are mapped where they were asked for, with the access asked for") {
  auto& ring = test_start().ring->entries;
  const auto space = environment().space.raw();
  const auto pages = need(calls::alloc_mem_pages(PageCount(kEntries), abi::PageFlags{})).raw();
  for (std::uint64_t i = 0; i != kEntries; ++i)
    ring[i] = map_entry(space, pages, kAt + i * 4096, kEntries - 1 - i, 1, kReadWrite);
  CHECK_EQ(calls::ring_submit(kEntries).value_or(0), kEntries);
  for (std::uint64_t i = 0; i != kEntries; ++i)
    *reinterpret_cast<volatile std::uint64_t*>(kAt + i * 4096) = i;
  CHECK(raw(CallNumber::MapPages, space, pages, kAt + kTable, 0, kEntries, kRead).ok());
  for (std::uint64_t i = 0; i != kEntries; ++i)
    CHECK_EQ(*reinterpret_cast<volatile std::uint64_t*>(kAt + kTable + i * 4096), kEntries - 1 - i);
  drop(pages);
  CHECK_EQ(mapped_pages(space), 0u);
}

TEST("batches: a _ONCE capability maps one page, and so does one to the space [CAP-5]") {
  auto& ring = test_start().ring->entries;
  const auto pages = need(calls::alloc_mem_pages(PageCount(4), abi::PageFlags{})).raw();
  const auto space = need(calls::address_space_create()).raw();
  const auto all = core::cap::kAllRights.raw();
  // With pages around it that need no care: the short way must not carry it along.
  const auto submit = [&](std::uint64_t into, std::uint64_t from) {
    for (std::uint64_t i = 0; i != 4; ++i)
      ring[i] = map_entry(into, i == 0 ? pages : from, kAt + i * 4096, i, 1, kRead);
    return calls::ring_submit(4).value_or(99);
  };
  CHECK_EQ(submit(space, raw(CallNumber::CapDerive, pages, all).value), 2u);
  CHECK(ring[2].status != 0);
  CHECK_EQ(raw(CallNumber::UnmapPages, space, kAt, 4).value, 1u);  // what it had mapped went with it
  CHECK_EQ(submit(raw(CallNumber::CapDerive, space, all).value, pages), 1u);
  CHECK(ring[1].status != 0);
  drop(space);
  drop(pages);
}

TEST("batches: several CPUs fill and clear the same tables while what they map is revoked [CAP-3]") {
  static constinit std::atomic<std::uint64_t> window{0};
  static constinit std::atomic<bool> over{false};
  const auto pages = need(calls::alloc_mem_pages(PageCount(kEntries), abi::PageFlags{})).raw();
  window = 0;
  over = false;
  {
    Worker a, b;
  }
  const auto derive = [&] {
    return raw(CallNumber::CapDerive, pages, (Right::Read | Right::Map).raw()).value;
  };
  drop(derive());
  const auto before = books();
  {
    Worker a({.cpu = core::CpuId(1 % cpus())}), b({.cpu = core::CpuId(2 % cpus())});
    std::uint64_t seed = 1;
    for (Worker* worker : {&a, &b}) {
      worker->run(
          [](Start& start) {
            Random random(start.argument);
            const auto space = environment().space.raw();
            while (!over.load()) {
              const auto from = window.load();
              const auto at = kAt + random.below(4) * 16 * 4096;
              for (std::uint64_t i = 0; i != kEntries; ++i)
                start.ring->entries[i] = map_entry(space, from, at + i * 4096, i, 1, kRead);
              CHECK_OK(calls::ring_submit(kEntries));
              CHECK(raw(CallNumber::UnmapPages, space, at, 1 + random.below(64)).ok());
            }
          },
          seed++);
    }
    for (unsigned round = 0; round != 20; ++round) {
      const auto fresh = derive();
      window = fresh;
      for (unsigned i = 0; i != 8; ++i) static_cast<void>(calls::yield());
      CHECK(raw(CallNumber::CapDrop, fresh).ok());
    }
    over = true;
    for (Worker* worker : {&a, &b}) worker->join_returned();
    CHECK_EQ(mapped_pages(environment().space.raw()), 0u);
  }
  check_books(before);
  drop(pages);
}

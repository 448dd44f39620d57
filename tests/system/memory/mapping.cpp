// Mappings that must not come about, and what becomes of those that do: rights, W^X, ranges, protection, the accessed
// and dirty bits, and who pays for page tables.
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

using namespace fb;
using namespace fb::test;

namespace {

constexpr std::uint64_t kRead = 1, kWrite = 2, kExecute = 4, kReadWrite = 3;
constexpr std::uint64_t kAt = 0x6300'0000'0000;
constexpr std::uint64_t kLastPage = core::kUserEnd - core::kPageSize;

void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }

/// Pages and an address space to put them in.
struct Setup {
  std::uint64_t pages, space;
  explicit Setup(std::uint64_t count = 8)
      : pages(need(calls::alloc_mem_pages(PageCount(count), abi::PageFlags{})).raw()),
        space(need(calls::address_space_create()).raw()) {}
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;
  ~Setup() {
    drop(space);
    drop(pages);
  }
  Raw map(std::uint64_t address, std::uint64_t offset, std::uint64_t count, std::uint64_t access) const {
    return raw(CallNumber::MapPages, space, pages, address, offset, count, access);
  }
  Raw unmap(std::uint64_t address, std::uint64_t count) const {
    return raw(CallNumber::UnmapPages, space, address, count);
  }
  Raw protect(std::uint64_t address, std::uint64_t count, std::uint64_t access) const {
    return raw(CallNumber::ProtectPages, space, address, count, access);
  }
  Raw query(std::uint64_t address, std::uint64_t count) const {
    return raw(CallNumber::QueryPages, space, address, count);
  }
};

constexpr std::array<std::uint64_t, 14> kBadAddresses{
    0x0000'7fff'ffff'f000,  // the guard page at the end of the user half
    0x0000'8000'0000'0000, 0x0000'8000'0000'1000, 0x0008'0000'0000'0000,
    0x7fff'ffff'ffff'f000,                                                // not canonical
    0xffff'7fff'ffff'f000, 0xffff'8000'0000'0000, 0xffff'8000'0010'0000,  // the direct map
    0xffff'c000'0000'0000, 0xffff'ffff'8000'0000, 0xffff'ffff'8020'0000,  // stacks, the kernel itself
    0xffff'ffff'ffff'f000, 0xffff'fe00'0000'0000, 0x8000'0000'0000'0000};

}  // namespace

TEST("memory: writable and executable is refused, by map and by protect") {
  const Setup s;
  for (const std::uint64_t access : {kWrite | kExecute, kRead | kWrite | kExecute}) {
    CHECK_EQ(s.map(kAt, 0, 1, access).error(), Error::WriteExecute);
  }
  CHECK(s.map(kAt, 0, 1, kReadWrite).ok());
  CHECK_EQ(s.protect(kAt, 1, kRead | kWrite | kExecute).error(), Error::WriteExecute);
  CHECK(s.protect(kAt, 1, kRead | kExecute).ok());
  CHECK_EQ(s.protect(kAt, 1, kWrite | kExecute).error(), Error::WriteExecute);
  for (unsigned bit = 3; bit != 64; ++bit) {
    CHECK_EQ(s.map(kAt + 4096, 0, 1, std::uint64_t{1} << bit | kRead).error(), Error::BadArgument);
    CHECK_EQ(s.protect(kAt, 1, std::uint64_t{1} << bit | kRead).error(), Error::BadArgument);
  }
}

TEST("memory: nothing is mapped outside the user half or at odd addresses") {
  const Setup s;
  for (const auto address : kBadAddresses) {
    CHECK_EQ(s.map(address, 0, 1, kRead).error(), Error::BadAddress);
    CHECK_EQ(s.unmap(address, 1).error(), Error::BadAddress);
    CHECK_EQ(s.protect(address, 1, kRead).error(), Error::BadAddress);
    CHECK_EQ(s.query(address, 1).error(), Error::BadAddress);
  }
  for (std::uint64_t odd = 1; odd < 4096; odd = odd * 3 + 1)
    CHECK_EQ(s.map(kAt + odd, 0, 1, kRead).error(), Error::BadAddress);
  // The last page is the last; two do not fit.
  CHECK(s.map(kLastPage, 0, 1, kRead).ok());
  CHECK_EQ(s.map(kLastPage - 4096, 1, 3, kRead).error(), Error::BadAddress);
  CHECK_EQ(s.unmap(kLastPage, 2).error(), Error::BadAddress);
  CHECK_EQ(s.unmap(kLastPage, 1).value, 1u);
  CHECK(s.map(0, 0, 1, kRead).ok());  // address 0 belongs to the address space's owner
  CHECK_EQ(s.unmap(0, 1).value, 1u);
}

TEST("memory: offset and count stay within the run, whatever they add up to") {
  const Setup s;
  CHECK(s.map(kAt, 7, 1, kRead).ok());
  CHECK_EQ(s.map(kAt + 0x10000, 8, 1, kRead).error(), Error::BadRange);
  CHECK_EQ(s.map(kAt + 0x10000, 7, 2, kRead).error(), Error::BadRange);
  CHECK_EQ(s.map(kAt + 0x10000, 0, 9, kRead).error(), Error::BadRange);
  CHECK_EQ(s.map(kAt + 0x10000, 0, 0, kRead).error(), Error::BadArgument);
  for (const std::uint64_t big : {1ull << 20, 1ull << 32, 1ull << 51, 1ull << 52, 1ull << 62, 1ull << 63,
                                  ~0ull, ~0ull - 7, ~0ull >> 12}) {
    CHECK_EQ(s.map(kAt + 0x10000, big, 1, kRead).error(), Error::BadRange);
    CHECK_EQ(s.map(kAt + 0x10000, big, 8, kRead).error(), Error::BadRange);
    CHECK(!s.map(kAt + 0x10000, 0, big, kRead).ok());
    CHECK(!s.map(kAt + 0x10000, 1, big, kRead).ok());
    CHECK(!s.unmap(kAt, big).ok());
    CHECK(!s.protect(kAt, big, kRead).ok());
    CHECK(!s.query(kAt, big).ok());
    CHECK(!raw(CallNumber::AllocMemPages, big, 0).ok());
  }
  CHECK_EQ(s.unmap(kAt, 0).error(), Error::BadArgument);
  CHECK_EQ(raw(CallNumber::AllocMemPages, 0, 0).error(), Error::BadArgument);
}

TEST("memory: what overlaps a mapping is refused whole") {
  const Setup s;
  CHECK(s.map(kAt + 3 * 4096, 0, 1, kRead).ok());
  CHECK_EQ(s.map(kAt, 0, 8, kRead).error(), Error::Mapped);
  CHECK_EQ(s.unmap(kAt, 8).value, 1u);  // only the one: the three before it were taken back
  CHECK(s.map(kAt, 0, 8, kRead).ok());
  for (std::uint64_t i = 0; i != 8; ++i) CHECK_EQ(s.map(kAt + i * 4096, 0, 1, kRead).error(), Error::Mapped);
  CHECK_EQ(s.unmap(kAt, 8).value, 8u);
  CHECK_EQ(s.unmap(kAt, 8).value, 0u);
}

TEST("memory: one run mapped many times over, then unmapped in any order") {
  const Setup s;
  const auto before = books();
  Random random(11);
  std::array<bool, 64> there{};
  for (unsigned i = 0; i != 5'000; ++i) {
    const auto at = random.below(64);
    const auto address = kAt + at * 0x20'1000;  // over several tables
    if (there[at]) {
      CHECK_EQ(s.unmap(address, 1).value, 1u);
    } else {
      CHECK(s.map(address, random.below(8), 1, kReadWrite).ok());
    }
    there[at] = !there[at];
  }
  for (std::uint64_t at = 0; at != 64; ++at) {
    CHECK_EQ(s.unmap(kAt + at * 0x20'1000, 1).value, there[at] ? 1u : 0u);
  }
  check_books(before);
}

TEST("memory: protect takes write away at once, and gives it back only to a capability with WRITE") {
  const auto pages = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{}));
  const auto space = environment().space.raw();
  const auto weak = raw(CallNumber::CapDerive, pages.raw(), (Right::Read | Right::Map).raw()).value;
  CHECK(raw(CallNumber::MapPages, space, pages.raw(), kAt, 0, 1, kReadWrite).ok());
  static constinit std::uint64_t target;
  target = kAt;
  const auto write = [](Start&) { *reinterpret_cast<volatile int*>(target) = 1; };
  Worker worker({.cpu = core::CpuId(1 % cpus())});
  worker.run(write);
  CHECK_EQ(worker.join(), End::Returned);
  CHECK_EQ(raw(CallNumber::ProtectPages, space, kAt, 1, kRead).value, 1u);
  worker.run(write);
  CHECK_EQ(worker.join(), End::Faulted);
  CHECK_EQ(worker.fault_address(), kAt);
  CHECK_EQ(raw(CallNumber::ProtectPages, space, kAt, 1, kReadWrite).value, 1u);
  worker.run(write);
  CHECK_EQ(worker.join(), End::Returned);
  // No access at all.
  const auto none = raw(CallNumber::ProtectPages, space, kAt, 1, 0);
  if (none.ok()) {
    worker.run([](Start&) { static_cast<void>(*reinterpret_cast<volatile int*>(target)); });
    CHECK_EQ(worker.join(), End::Faulted);
  }
  CHECK_EQ(raw(CallNumber::UnmapPages, space, kAt, 1).value, 1u);
  CHECK(raw(CallNumber::MapPages, space, weak, kAt, 0, 1, kRead).ok());
  CHECK_EQ(raw(CallNumber::ProtectPages, space, kAt, 1, kReadWrite).error(), Error::Denied);
  CHECK_EQ(raw(CallNumber::ProtectPages, space, kAt, 1, kRead | kExecute).error(), Error::Denied);
  worker.run(write);
  CHECK_EQ(worker.join(), End::Faulted);
  CHECK_EQ(raw(CallNumber::ProtectPages, space, kAt + 4096, 1, kRead).error(), Error::NotMapped);
  drop(pages.raw());
}

TEST("memory: pages without EXECUTE do not run") {
  const auto pages = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags{}));
  const auto space = environment().space.raw();
  CHECK(raw(CallNumber::MapPages, space, pages.raw(), kAt, 0, 1, kReadWrite).ok());
  *reinterpret_cast<volatile unsigned char*>(kAt) = 0xc3;  // ret
  Worker worker;
  worker.run([](Start&) { reinterpret_cast<void (*)()>(kAt)(); });
  CHECK_EQ(worker.join(), End::Faulted);
  CHECK_EQ(worker.fault_vector(), 14u);
  CHECK_EQ(raw(CallNumber::ProtectPages, space, kAt, 1, kRead | kExecute).value, 1u);
  worker.run([](Start&) { reinterpret_cast<void (*)()>(kAt)(); });
  CHECK_EQ(worker.join(), End::Returned);
  drop(pages.raw());
}

TEST("memory: kernel addresses fault when ring 3 touches them, whatever they are") {
  static constinit std::uint64_t target;
  Worker worker;
  for (const auto address : kBadAddresses) {
    target = address;
    worker.run([](Start&) { static_cast<void>(*reinterpret_cast<volatile char*>(target)); });
    CHECK_EQ(worker.join(), End::Faulted);
    worker.run([](Start&) { *reinterpret_cast<volatile char*>(target) = 1; });
    CHECK_EQ(worker.join(), End::Faulted);
    worker.run([](Start&) { reinterpret_cast<void (*)()>(target)(); });
    CHECK_EQ(worker.join(), End::Faulted);
  }
}

TEST("memory: accessed and dirty are told and cleared") {
  const auto pages = need(calls::alloc_mem_pages(PageCount(4), abi::PageFlags{}));
  const auto space = environment().space.raw();
  CHECK(raw(CallNumber::MapPages, space, pages.raw(), kAt, 0, 4, kReadWrite).ok());
  const auto query = [&] { return raw(CallNumber::QueryPages, space, kAt, 4).value; };
  static_cast<void>(query());
  CHECK_EQ(query(), 0u);
  static_cast<void>(*reinterpret_cast<volatile char*>(kAt + 4096));
  CHECK_EQ(query(), 1u << 1);
  *reinterpret_cast<volatile char*>(kAt + 2 * 4096) = 1;
  CHECK_EQ(query(), std::uint64_t{1} << 2 | std::uint64_t{1} << 34);
  CHECK_EQ(query(), 0u);
  // Again, through the same TLB entries: the flush must have been done.
  *reinterpret_cast<volatile char*>(kAt + 2 * 4096) = 2;
  CHECK_EQ(query(), std::uint64_t{1} << 2 | std::uint64_t{1} << 34);
  CHECK(!raw(CallNumber::QueryPages, space, kAt, 33).ok());
  CHECK_EQ(raw(CallNumber::QueryPages, space, kAt + 0x100'0000, 32).value, 0u);
  drop(pages.raw());
}

TEST("memory: page tables are paid by the address space's owner and come back") {
  Child child({.pages = PageCount(64),
               .authorities = core::cap::ceiling(core::cap::Zone::Libos),
               .own_space = false});
  const auto pages = need(calls::alloc_mem_pages(PageCount(1), abi::PageFlags(abi::PageFlag::Shared)));
  Worker worker({.child = &child});
  worker.run([](Start& start) { start.shared[0] = raw(CallNumber::AddressSpaceCreate).value; });
  worker.join_returned();
  auto& start = worker.start();
  start.handles[0] = start.shared[0];
  start.handles[1] = child.give(pages, Right::Read | Right::Map);
  const auto used = [&] { return calls::budget_query(child.budget()).value_or(0) & 0xffff'ffff; };
  const auto before = used();
  const auto own = calls::budget_query(environment().budget).value_or(0);
  worker.run([](Start& s) {
    for (std::uint64_t i = 1; i != 5; ++i)
      CHECK(raw(CallNumber::MapPages, s.handles[0], s.handles[1], i << 30, 0, 1, 1).ok());
  });
  worker.join_returned();
  CHECK(used() >= before + 4 * 2);  // at least a table and a directory for each
  CHECK_EQ(calls::budget_query(environment().budget).value_or(0), own);
  worker.run([](Start& s) {
    for (std::uint64_t i = 1; i != 5; ++i)
      CHECK_EQ(raw(CallNumber::UnmapPages, s.handles[0], i << 30, 1).value, 1u);
  });
  worker.join_returned();
  CHECK_EQ(used(), before);
  drop(pages.raw());
}

TEST("memory: running out of memory in the middle of a map leaves nothing mapped and nothing lost") {
  const auto pages = need(calls::alloc_mem_pages(PageCount(64), abi::PageFlags(abi::PageFlag::Shared)));
  for (std::uint64_t budget = 12; budget != 24; ++budget) {
    Child child({.pages = PageCount(budget),
                 .authorities = core::cap::ceiling(core::cap::Zone::Libos),
                 .own_space = false});
    Worker worker({.child = &child});
    auto& start = worker.start();
    start.handles[1] = child.give(pages, Right::Read | Right::Map);
    worker.run([](Start& s) {
      s.handles[0] = raw(CallNumber::AddressSpaceCreate).value;
      if (s.handles[0] == 0) return;
      // Runs that straddle two last-level tables at ever new places, until there is no page for a table.
      for (std::uint64_t i = 1; i != 200; ++i) {
        const auto at = (i << 30) - 32 * 4096;
        const auto mapped = raw(CallNumber::MapPages, s.handles[0], s.handles[1], at, 0, 64, 1);
        if (mapped.ok()) continue;
        CHECK_EQ(mapped.error(), Error::NoMemory);
        CHECK_EQ(raw(CallNumber::UnmapPages, s.handles[0], at, 64).value, 0u);
        // Unmapping needs no memory.
        for (std::uint64_t j = 1; j != i; ++j)
          CHECK_EQ(raw(CallNumber::UnmapPages, s.handles[0], (j << 30) - 32 * 4096, 64).value, 64u);
        s.shared[0] = i;
        return;
      }
    });
    worker.join_returned();
    if (start.handles[0] != 0) CHECK(start.shared[0] != 0);
  }
  drop(pages.raw());
}

TEST("memory: an address space is destroyed with thousands of pages in it") {
  const Setup big(512);
  const auto before = books();
  for (unsigned round = 0; round != 3; ++round) {
    const auto space = need(calls::address_space_create());
    for (std::uint64_t i = 0; i != 4'096; i += 64) {
      CHECK(raw(CallNumber::MapPages, space.raw(), big.pages, kAt + i * 4096 * 3, i % 512, 64, kReadWrite)
                .ok());
    }
    drop(space.raw());
  }
  check_books(before);
}

TEST("memory: pages are destroyed with thousands of mappings on them") {
  const auto space = need(calls::address_space_create());
  const auto before = books();
  for (unsigned round = 0; round != 3; ++round) {
    const auto pages = need(calls::alloc_mem_pages(PageCount(64), abi::PageFlags{}));
    for (std::uint64_t i = 0; i != 4'096; i += 64) {
      CHECK(raw(CallNumber::MapPages, space.raw(), pages.raw(), kAt + i * 4096 * 3, 0, 64, kReadWrite).ok());
    }
    CHECK_OK(calls::free_mem_pages(pages));
    CHECK_EQ(raw(CallNumber::UnmapPages, space.raw(), kAt, 64).value, 0u);
  }
  check_books(before);
  drop(space.raw());
}

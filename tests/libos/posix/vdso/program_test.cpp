// The linked vDSO: one page without relocations, and its functions run here as they do in a program.
#include <elf.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <cstring>
#include <ctime>
#include <string_view>

#include "core/types.hpp"
#include "libos/posix/vdso/program_pages.hpp"
#include "tests/libos/posix/mm/machine.hpp"

namespace fb::libos::posix::vdso {
namespace {

using core::kPageSize;

template <class T>
const T* at(const std::byte* base, std::uint64_t offset) {
  return reinterpret_cast<const T*>(base + offset);
}

const Elf64_Dyn* dynamic_of(const std::byte* image) {
  const auto* const header = at<Elf64_Ehdr>(image, 0);
  const auto* const parts = at<Elf64_Phdr>(image, header->e_phoff);
  for (int i = 0; i != header->e_phnum; ++i) {
    if (parts[i].p_type == PT_DYNAMIC) return at<Elf64_Dyn>(image, parts[i].p_vaddr);
  }
  return nullptr;
}

std::uint64_t entry_of(const std::byte* image, std::int64_t tag) {
  for (const auto* entry = dynamic_of(image); entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == tag) return entry->d_un.d_ptr;
  }
  return 0;
}

/// Clock page and image as a program has them.
class Mapped {
 public:
  Mapped() {
    auto* const memory =
        mmap(nullptr, 2 * kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    base_ = static_cast<std::byte*>(memory);
    page = new (base_) ClockPage;
    std::memcpy(base_ + kPageSize, image().data(), std::min<std::size_t>(image().size(), kPageSize));
    mprotect(base_ + kPageSize, kPageSize, PROT_READ | PROT_EXEC);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  ~Mapped() { munmap(base_, 2 * kPageSize); }

  template <class F>
  F* function(std::string_view name) const {
    const auto* const its = base_ + kPageSize;
    const auto* const symbols = at<Elf64_Sym>(its, entry_of(its, DT_SYMTAB));
    const auto* const names = at<char>(its, entry_of(its, DT_STRTAB));
    const auto count = at<std::uint32_t>(its, entry_of(its, DT_HASH))[1];
    for (std::uint32_t i = 1; i != count; ++i) {
      if (names + symbols[i].st_name == name)
        return reinterpret_cast<F*>(base_ + kPageSize + symbols[i].st_value);
    }
    return nullptr;
  }

  ClockPage* page;

 private:
  std::byte* base_;
};

TEST(Vdso, is_one_page_that_nothing_has_to_relocate_C4_06) {
  const auto* const its = image().data();
  const auto* const header = at<Elf64_Ehdr>(its, 0);
  const auto* const parts = at<Elf64_Phdr>(its, header->e_phoff);
  int loaded = 0;
  for (int i = 0; i != header->e_phnum; ++i) {
    EXPECT_EQ(parts[i].p_flags & PF_W, 0U);
    if (parts[i].p_type != PT_LOAD) continue;
    ++loaded;
    EXPECT_EQ(parts[i].p_vaddr, 0U);
    EXPECT_LE(parts[i].p_memsz, kPageSize);
    EXPECT_EQ(parts[i].p_filesz, parts[i].p_memsz);
  }
  EXPECT_EQ(loaded, 1);
  for (const auto tag : {DT_RELA, DT_REL, DT_JMPREL, DT_NEEDED, DT_INIT, DT_TEXTREL})
    EXPECT_EQ(entry_of(its, tag), 0U) << tag;
  EXPECT_EQ(std::string_view(at<char>(its, entry_of(its, DT_STRTAB) + entry_of(its, DT_SONAME))),
            "linux-vdso.so.1");
}

TEST(Vdso, says_what_the_clock_page_says_C4_06) {
  const Mapped mapped;
  // A tick is no time at all, so that all that is said is the offsets.
  mapped.page->publish(
      {.multiplier = 0, .monotonic = 7 * kSecond + 8, .realtime = 1'700'000'000 * kSecond + 123'456'789});
  auto* const gettime = mapped.function<int(std::uint32_t, timespec*)>("__vdso_clock_gettime");
  timespec time{};
  for (const auto clock : {kMonotonic, kMonotonicRaw, kMonotonicCoarse, kBootTime}) {
    EXPECT_EQ(gettime(clock, &time), 0);
    EXPECT_EQ(time.tv_sec, 7);
    EXPECT_EQ(time.tv_nsec, 8);
  }
  for (const auto clock : {kRealtime, kRealtimeCoarse, kTai}) {
    EXPECT_EQ(gettime(clock, &time), 0);
    EXPECT_EQ(time.tv_sec, 1'700'000'000);
    EXPECT_EQ(time.tv_nsec, 123'456'789);
  }
  timeval today{};
  struct timezone zone{.tz_minuteswest = 1, .tz_dsttime = 1};
  EXPECT_EQ((mapped.function<int(timeval*, struct timezone*)>("__vdso_gettimeofday")(&today, &zone)), 0);
  EXPECT_EQ(today.tv_sec, 1'700'000'000);
  EXPECT_EQ(today.tv_usec, 123'456);
  EXPECT_EQ(zone.tz_minuteswest, 0);
  EXPECT_EQ(zone.tz_dsttime, 0);
  time_t seconds = 0;
  EXPECT_EQ(mapped.function<time_t(time_t*)>("__vdso_time")(&seconds), 1'700'000'000);
  EXPECT_EQ(seconds, 1'700'000'000);
  EXPECT_EQ(mapped.function<time_t(time_t*)>("__vdso_time")(nullptr), 1'700'000'000);
}

TEST(Vdso, asks_the_system_for_other_clocks_C4_06) {
  const Mapped mapped;
  auto* const gettime = mapped.function<int(std::uint32_t, timespec*)>("__vdso_clock_gettime");
  timespec time{.tv_sec = -1, .tv_nsec = -1};
  EXPECT_EQ(gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
  EXPECT_GE(time.tv_nsec, 0);
  for (const std::uint32_t none : {12U, 31U, 32U, 33U, 64U, 0x7fff'ffffU})
    EXPECT_EQ(gettime(none, &time), -EINVAL);
  auto* const getres = mapped.function<int(std::uint32_t, timespec*)>("__vdso_clock_getres");
  EXPECT_EQ(getres(kMonotonic, &time), 0);
  EXPECT_EQ(time.tv_nsec, 1);
  EXPECT_EQ(getres(kRealtime, nullptr), 0);
  EXPECT_EQ(getres(32, &time), -EINVAL);
  unsigned cpu = ~0U;
  EXPECT_EQ((mapped.function<int(unsigned*, unsigned*, void*)>("__vdso_getcpu")(&cpu, nullptr, nullptr)), 0);
  EXPECT_NE(cpu, ~0U);
}

/// A program that writes into them changes a copy of its own.
TEST(Vdso, is_shared_by_programs_that_cannot_spoil_it_for_others_C4_06) {
  posix::test::MemorySource source;
  Frames frames(source, 512);
  mm::test::Machine machine, other;
  auto pages = ProgramPages::make(frames).value();
  pages->clock().publish({.multiplier = 0, .monotonic = 42, .realtime = 0});
  const auto held = frames.used();
  {
    mm::Space space(frames, machine, {});
    const auto code = vdso::map(space, pages).value();
    const auto clock = core::VirtAddr(code.raw() - kPageSize);
    EXPECT_EQ(frames.used(), held);
    EXPECT_FALSE(space.write(clock, std::as_bytes(std::span("x", 1))));
    auto child = space.fork(other).value();
    for (const auto page : {clock, code}) {
      EXPECT_EQ(child.mprotect(page, core::ByteCount(kPageSize), mm::kProtRead | mm::kProtWrite), Answer<>());
      const std::array<std::byte, kPageSize> rubbish{std::byte{0xcc}};
      EXPECT_EQ(child.write(page, rubbish), Answer<>());
    }
    std::array<std::byte, 4> magic{};
    EXPECT_EQ(space.read(code, magic), Answer<>());
    EXPECT_EQ(std::memcmp(magic.data(), ELFMAG, SELFMAG), 0);
    EXPECT_EQ(pages->clock().now(kMonotonic), 42U);
    EXPECT_EQ(child.munmap(clock, core::ByteCount(2 * kPageSize)), Answer<>());
    EXPECT_EQ(space.areas().size(), 2U);
  }
  EXPECT_EQ(frames.used(), held);
  EXPECT_EQ(pages->frame(2).error(), Errno::NoDeviceOrAddress);
}

}  // namespace
}  // namespace fb::libos::posix::vdso

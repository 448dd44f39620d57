// Unmodified Linux programs on ring 0's contract of carriers (DESIGN §6; issue 2, "An order that works").
#include <algorithm>
#include <new>

#include "core/archive/newc.hpp"
#include "libos/rt/environment.hpp"
#include "tests/system/contexts/linux_program.hpp"
#include "tests/system/harness/books.hpp"

using namespace fb;
using namespace fb::test;

namespace {

alignas(LinuxProgram) constinit std::byte storage[sizeof(LinuxProgram)];

constexpr core::VirtAddr kArchive{0x5000'0000'0000};
constexpr std::uint64_t kAtOnce = 64;  // pages of one map_pages

std::span<const std::byte> file_named(std::string_view name) {
  const auto& e = libos::rt::environment();
  static constinit bool mapped = false;
  const auto pages = core::pages_for(e.archive_offset + e.archive_bytes).raw();
  for (std::uint64_t at = 0; at < pages && !mapped; at += kAtOnce) {
    need(abi::calls::map_pages(e.space, e.archive, kArchive + core::ByteCount(at * core::kPageSize),
                               core::PageCount(at), core::PageCount(std::min(kAtOnce, pages - at)),
                               libos::rt::kReadOnly));
  }
  mapped = true;
  const auto* bytes = reinterpret_cast<const std::byte*>(kArchive.raw()) + e.archive_offset.raw();
  const auto archive = need(core::archive::Archive::parse({bytes, e.archive_bytes.raw()}));
  return need(archive.find(name)).bytes();
}

void expect(std::string_view file, std::span<const std::string_view> arguments, std::string_view output,
            int status) {
  const auto elf = file_named(file);
  // The capability space keeps the pages it has grown by.
  std::array<abi::Cap<abi::ObjectType::Budget>, 400> spare;
  for (auto& cap : spare)
    cap = need(abi::calls::cap_derive(libos::rt::environment().budget, core::cap::kAllRights));
  for (const auto cap : spare) need(abi::calls::cap_drop(cap));
  const auto before = books();
  {
    auto* program = new (storage) LinuxProgram(elf, arguments);
    CHECK_EQ(program->run(), status);
    CHECK_EQ(program->output(), output);
    diag(std::uint64_t{program->calls()}, " calls, ", std::uint64_t{program->faults()}, " page faults");
    program->~LinuxProgram();
  }
  check_books(before);
}

}  // namespace

TEST("a static program without a library writes and exits") {
  constexpr std::string_view arguments[] = {"hello"};
  expect("hello", arguments, "hello from Linux\n", 42);
}

TEST("a static musl program formats numbers, uses memory and thread-local storage") {
  constexpr std::string_view arguments[] = {"print", "a", "b"};
  expect("print", arguments, "print has 3 arguments, 299999 bytes, 3.141593, 10 5\n", 3);
}

TEST("busybox of Debian, which nobody here built, echoes") {
  constexpr std::string_view arguments[] = {"busybox", "echo", "hi", "there"};
  expect("busybox", arguments, "hi there\n", 0);
}

TEST("busybox expr and printf: arithmetic and formatting") {
  constexpr std::string_view sum[] = {"busybox", "expr", "1234", "*", "5678"};
  expect("busybox", sum, "7006652\n", 0);
  constexpr std::string_view text[] = {"busybox", "printf", "%05d %x\\n", "42", "48879"};
  expect("busybox", text, "00042 beef\n", 0);
}

TEST("its exit status comes back") {
  constexpr std::string_view arguments[] = {"busybox", "false"};
  expect("busybox", arguments, "", 1);
}

// core/elf: the reader of program images, on built, real and hostile bytes (C4.02; gABI chapters 4 and 5).
#include "core/elf/image.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/auxv.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/core/elf/invariants.hpp"

namespace fb::core::elf {
namespace {

using cap::Right;
using Wide = unsigned __int128;

constexpr std::uint32_t kReadExecute = kFlagRead | kFlagExecute;
constexpr std::uint32_t kReadWrite = kFlagRead | kFlagWrite;

ProgramHeader load(std::uint64_t address, std::uint64_t offset, std::uint64_t file_size,
                   std::uint64_t memory_size, std::uint32_t flags) {
  return {kLoad, flags, offset, address, address, file_size, memory_size, kPageSize};
}

/// A program of three pages: code with the headers, data with zeros behind; to be spoilt by the tests.
struct Program {
  FileHeader header{kMagic,
                    kClass64,
                    kLittleEndian,
                    kVersion,
                    {},
                    kTypeExec,
                    kMachineX8664,
                    kVersion,
                    0x40'0200,
                    sizeof(FileHeader),
                    0,
                    0,
                    sizeof(FileHeader),
                    sizeof(ProgramHeader),
                    0,
                    0,
                    0,
                    0};
  std::vector<ProgramHeader> table{load(0x40'0000, 0, 0x1000, 0x1000, kReadExecute),
                                   load(0x40'2010, 0x1010, 0x100, 0x2000, kReadWrite)};
  std::size_t size = 0x2000;

  [[nodiscard]] std::vector<std::byte> bytes() const {
    std::vector<std::byte> file(size);
    auto fixed = header;
    if (fixed.program_header_count == 0)
      fixed.program_header_count = static_cast<std::uint16_t>(table.size());
    std::memcpy(file.data(), &fixed, std::min(size, sizeof fixed));
    for (std::size_t i = 0; i != table.size(); ++i) {
      const std::size_t at = header.program_headers_offset + i * sizeof(ProgramHeader);
      if (at < size && sizeof(ProgramHeader) <= size - at)
        std::memcpy(file.data() + at, &table[i], sizeof table[i]);
    }
    return file;
  }
  void path(std::vector<std::byte>& file, std::uint64_t at, std::string_view text) const {
    std::memcpy(file.data() + at, text.data(), text.size());
  }
};

Error error_of(const Program& program) {
  const auto file = program.bytes();
  const auto image = Image::parse(file);
  EXPECT_FALSE(image);
  return image ? Error{} : image.error();
}

TEST(ElfImage, program_is_described_as_its_headers_say_C4_02) {
  const Program program;
  const auto file = program.bytes();
  const auto image = Image::parse(file);
  ASSERT_TRUE(image);
  ASSERT_EQ(image->segments().size(), 2u);
  const Segment& code = image->segments()[0];
  const Segment& data = image->segments()[1];
  EXPECT_EQ(code.rights, Right::Read | Right::Execute);
  EXPECT_EQ(code.bytes.data(), file.data());
  EXPECT_EQ(code.pages(), PageCount(1));
  EXPECT_EQ(data.rights, Right::Read | Right::Write);
  EXPECT_EQ(data.address, VirtAddr(0x40'2010));
  EXPECT_EQ(data.first_page(), VirtAddr(0x40'2000));
  EXPECT_EQ(data.bytes.data(), file.data() + 0x1010);
  EXPECT_EQ(data.file_size(), ByteCount(0x100));
  EXPECT_EQ(data.memory_size, ByteCount(0x2000));
  EXPECT_EQ(data.pages(), PageCount(3));
  EXPECT_EQ(image->entry(), VirtAddr(0x40'0200));
  EXPECT_EQ(image->start(), VirtAddr(0x40'0000));
  EXPECT_EQ(image->extent(), ByteCount(0x5000));
  EXPECT_EQ(image->alignment(), ByteCount(kPageSize));
  EXPECT_FALSE(image->relocatable());
  EXPECT_FALSE(image->executable_stack());
  EXPECT_FALSE(image->tls());
  EXPECT_TRUE(image->interpreter().empty());
  EXPECT_EQ(image->header_address(), VirtAddr(0x40'0040));
  EXPECT_EQ(image->header_count(), 2u);
}

TEST(ElfImage, interpreter_tls_stack_and_header_table_are_exposed_C4_02) {
  Program program;
  program.header.type = kTypeDyn;
  program.table.insert(program.table.begin(), {kHeaderTable, kFlagRead, 64, 0x40'0040, 0, 336, 336, 8});
  program.table.push_back({kInterpreter, kFlagRead, 0x800, 0x40'0800, 0, 8, 8, 1});
  program.table.push_back({kTls, kFlagRead, 0x1010, 0x40'2010, 0, 0x10, 0x30, 16});
  program.table.push_back({kGnuStack, kReadWrite | kFlagExecute, 0, 0, 0, 0, 0, 16});
  auto file = program.bytes();
  program.path(file, 0x800, "/lib/ld\0");
  const auto image = Image::parse(file);
  ASSERT_TRUE(image);
  EXPECT_TRUE(image->relocatable());
  EXPECT_EQ(image->interpreter(), "/lib/ld");
  EXPECT_EQ(image->header_address(), VirtAddr(0x40'0040));
  EXPECT_EQ(image->header_count(), 6u);
  EXPECT_TRUE(image->executable_stack());
  const Segment tls = image->tls().value_or(Segment{});
  EXPECT_EQ(tls.memory_size, ByteCount(0x30));
  EXPECT_EQ(tls.file_size(), ByteCount(0x10));
  EXPECT_EQ(tls.alignment, ByteCount(16));
}

TEST(ElfImage, header_table_is_found_in_the_segment_that_holds_it_C4_02) {
  Program program;
  program.header.program_headers_offset = 0x1080;
  const auto file = program.bytes();
  const auto image = Image::parse(file);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->header_address(), VirtAddr(0x40'2080));
  program.header.program_headers_offset = 0x1800;
  const auto outside = program.bytes();
  const auto other = Image::parse(outside);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->header_address(), std::nullopt);
}

struct Spoilt {
  const char* what;
  Error error;
  void (*spoil)(Program&);
};

constexpr std::uint64_t kHuge = ~std::uint64_t{0};

const Spoilt kSpoilt[] = {
    {"magic", Error::BadFormat, [](Program& p) { p.header.magic[0] = 'E'; }},
    {"class", Error::NotSupported, [](Program& p) { p.header.file_class = 1; }},
    {"byte order", Error::NotSupported, [](Program& p) { p.header.data = 2; }},
    {"machine", Error::NotSupported, [](Program& p) { p.header.machine = 183; }},
    {"ident version", Error::BadFormat, [](Program& p) { p.header.ident_version = 0; }},
    {"version", Error::BadFormat, [](Program& p) { p.header.version = 2; }},
    {"relocatable object", Error::BadFormat, [](Program& p) { p.header.type = 1; }},
    {"core file", Error::BadFormat, [](Program& p) { p.header.type = 4; }},
    {"header size", Error::BadFormat, [](Program& p) { p.header.program_header_size = 57; }},
    {"too many headers", Error::Limit, [](Program& p) { p.header.program_header_count = 65; }},
    {"extended numbering", Error::Limit, [](Program& p) { p.header.program_header_count = 0xffff; }},
    {"no headers", Error::BadFormat, [](Program& p) { p.table.clear(); }},
    {"table past the end", Error::BadFormat, [](Program& p) { p.header.program_headers_offset = 0x1fa0; }},
    {"table offset wraps", Error::BadFormat,
     [](Program& p) { p.header.program_headers_offset = kHuge - 63; }},
    {"file range past the end", Error::BadFormat, [](Program& p) { p.table[1].file_size = 0x1000; }},
    {"file range wraps", Error::BadFormat, [](Program& p) { p.table[1].offset = kHuge - 0xfef; }},
    {"file size above memory size", Error::BadFormat, [](Program& p) { p.table[0].memory_size = 0xfff; }},
    {"file size without memory", Error::BadFormat, [](Program& p) { p.table[1].memory_size = 0; }},
    {"in the kernel half", Error::BadFormat, [](Program& p) { p.table[1].address = 0xffff'8000'0000'0010; }},
    {"address wraps", Error::BadFormat, [](Program& p) { p.table[1].memory_size = kHuge - 0x100; }},
    {"reaches the guard page", Error::BadFormat, [](Program& p) { p.table[1].address = kUserEnd - 0x1ff0; }},
    {"not congruent", Error::BadFormat, [](Program& p) { p.table[1].offset += 8; }},
    {"not sorted", Error::BadFormat, [](Program& p) { std::swap(p.table[0], p.table[1]); }},
    {"shares a page", Error::BadFormat, [](Program& p) { p.table[0].memory_size = 0x2001; }},
    {"shares its last byte", Error::BadFormat, [](Program& p) { p.table[1].address = 0x40'0010; }},
    {"writable and executable", Error::BadFormat, [](Program& p) { p.table[0].flags |= kFlagWrite; }},
    {"alignment is no power of two", Error::BadFormat, [](Program& p) { p.table[0].alignment = 0x3000; }},
    {"entry in data", Error::BadFormat, [](Program& p) { p.header.entry = 0x40'2010; }},
    {"entry just behind code", Error::BadFormat, [](Program& p) { p.header.entry = 0x40'1000; }},
    {"entry before code", Error::BadFormat, [](Program& p) { p.header.entry = 0x3f'ffff; }},
    {"header table not in memory", Error::BadFormat,
     [](Program& p) { p.table.push_back({kHeaderTable, 4, 64, 0x41'0040, 0, 168, 168, 8}); }},
    {"two header tables", Error::BadFormat,
     [](Program& p) { p.table.insert(p.table.end(), 2, {kHeaderTable, 4, 64, 0x40'0040, 0, 224, 224, 8}); }},
    {"interpreter without NUL", Error::BadFormat,
     [](Program& p) { p.table.push_back({kInterpreter, 4, 0, 0, 0, 4, 4, 1}); }},
    {"interpreter is empty", Error::BadFormat,
     [](Program& p) { p.table.push_back({kInterpreter, 4, 0x800, 0, 0, 4, 4, 1}); }},
    {"interpreter of no size", Error::BadFormat,
     [](Program& p) { p.table.push_back({kInterpreter, 4, 0, 0, 0, 0, 0, 1}); }},
    {"interpreter past the end", Error::BadFormat,
     [](Program& p) { p.table.push_back({kInterpreter, 4, 0x1fff, 0, 0, 2, 2, 1}); }},
    {"interpreter is too long", Error::Limit,
     [](Program& p) { p.table.push_back({kInterpreter, 4, 0, 0, 0, 4097, 4097, 1}); }},
    {"two interpreters", Error::BadFormat,
     [](Program& p) { p.table.insert(p.table.end(), 2, {kInterpreter, 4, 1, 0, 0, 64, 64, 1}); }},
    {"two thread templates", Error::BadFormat,
     [](Program& p) { p.table.insert(p.table.end(), 2, {kTls, 4, 0, 0x40'0000, 0, 8, 8, 1}); }},
    {"thread template past the end", Error::BadFormat,
     [](Program& p) { p.table.push_back({kTls, 4, 0x1fff, 0x40'0000, 0, 8, 8, 1}); }},
    {"thread template in the kernel half", Error::BadFormat,
     [](Program& p) { p.table.push_back({kTls, 4, 0, kUserEnd, 0, 8, 8, 1}); }},
    {"17 segments", Error::Limit,
     [](Program& p) {
       for (std::uint64_t i = 0; i != 15; ++i) p.table.push_back(load(0x50'0000 + i * 0x1000, 0, 0, 1, 4));
     }},
};

TEST(ElfImage, every_spoilt_field_is_refused_C4_02) {
  for (const Spoilt& spoilt : kSpoilt) {
    Program program;
    spoilt.spoil(program);
    EXPECT_EQ(error_of(program), spoilt.error) << spoilt.what;
  }
}

TEST(ElfImage, the_last_allowed_value_is_accepted) {
  const std::pair<const char*, void (*)(Program&)> kept[] = {
      {"ends at the end of the user half",
       [](Program& p) {
         p.table[1].address = kUserEnd - 0x2000 + 0x10;
         p.table[1].memory_size = 0x1ff0;
       }},
      {"entry is the last byte of code", [](Program& p) { p.header.entry = 0x40'0fff; }},
      {"neighbouring pages", [](Program& p) { p.table[0].memory_size = 0x2000; }},
      {"empty PT_LOAD counts for nothing",
       [](Program& p) { p.table.insert(p.table.begin(), load(kHuge, 1, 0, 0, 7)); }},
      {"no bytes: the offset may lie beyond the file",
       [](Program& p) {
         p.table[1].offset = 0x7010;
         p.table[1].file_size = 0;
       }},
      {"alignment 0 is 1", [](Program& p) { p.table[0].alignment = 0; }},
      {"file range ends with the file", [](Program& p) { p.table[1].file_size = 0xff0; }},
      {"16 segments",
       [](Program& p) {
         for (std::uint64_t i = 0; i != 14; ++i) p.table.push_back(load(0x50'0000 + i * 0x1000, 0, 0, 1, 4));
       }},
      {"64 headers",
       [](Program& p) { p.table.resize(64, {0x6fff'0000, 0, kHuge, kHuge, kHuge, kHuge, kHuge, 3}); }},
      {"interpreter's NUL ends the file",
       [](Program& p) { p.table.push_back({kInterpreter, 4, 1, 0, 0, 0x1fff - 0x1000, 1, 1}); }},
  };
  for (const auto& [what, change] : kept) {
    Program program;
    change(program);
    const auto file = program.bytes();
    const auto image = Image::parse(file);
    ASSERT_TRUE(image) << what;
    EXPECT_EQ(broken_invariant(*image, file), nullptr) << what;
  }
}

TEST(ElfImage, every_truncation_is_refused_or_sound) {
  const auto whole = Program{}.bytes();
  for (std::size_t size = 0; size != whole.size(); ++size) {
    const std::vector<std::byte> file(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto image = Image::parse(file);
    ASSERT_EQ(image.has_value(), size >= 0x1110) << size;
    if (image) ASSERT_EQ(broken_invariant(*image, file), nullptr) << size;
  }
}

/// The rules again, in wide integers and without order of evaluation. Headers are PT_LOAD only.
bool model_accepts(const Program& program) {
  bool entry = false;
  Wide last_end = 0;
  for (const ProgramHeader& h : program.table) {
    if (h.memory_size == 0 && h.file_size == 0) continue;
    const Wide end = Wide{h.address} + h.memory_size;
    const Wide first_page = h.address / kPageSize * Wide{kPageSize};
    const bool good = h.file_size <= h.memory_size && end <= kUserEnd &&
                      (h.file_size == 0 || Wide{h.offset} + h.file_size <= program.size) &&
                      h.address % kPageSize == h.offset % kPageSize && first_page >= last_end &&
                      (h.flags & 3) != 3 && __builtin_popcountll(h.alignment) <= 1;
    if (!good) return false;
    last_end = (end + kPageSize - 1) / kPageSize * kPageSize;
    entry = entry || ((h.flags & 1) != 0 && h.address <= program.header.entry && program.header.entry < end);
  }
  return entry;
}

/// Mostly well-formed: segments one after the other, often neighbours by page.
Program arbitrary_program() {
  Program program;
  program.table.clear();
  std::uint64_t page = *rc::gen::inRange<std::uint64_t>(0, 3);
  const int count = *rc::gen::inRange(1, 5);
  for (int i = 0; i != count; ++i) {
    const auto skew = *rc::gen::element<std::uint64_t>(0, 0x10, 0xfff);
    const auto file_size = *rc::gen::element<std::uint64_t>(0, 1, 0x10, 0x1000);
    const auto zeros = *rc::gen::element<std::uint64_t>(0, 1, 0xff0, 0x1000, 0x2345);
    const auto flags = i == 0 ? kReadExecute : *rc::gen::element<std::uint32_t>(0, 1, 2, 4, 5, 6);
    program.table.push_back(load(page * kPageSize + skew, skew, file_size, file_size + zeros, flags));
    page += pages_for(ByteCount(skew + file_size + zeros)).raw() + *rc::gen::inRange<std::uint64_t>(0, 2);
  }
  program.header.entry = program.table[0].address + *rc::gen::inRange<std::uint64_t>(0, 2);
  return program;
}

void spoil_one_field(Program& program) {
  const auto at = *rc::gen::inRange<std::size_t>(0, program.table.size());
  ProgramHeader& h = program.table[at];
  const auto value =
      *rc::gen::element<std::uint64_t>(0, 1, 0x10, 0xfff, 0x1000, 0x1010, 0x2000, 0x3000, 0x5000, kUserEnd,
                                       kUserEnd - 1, kUserEnd - 0x1000, kHuge, kHuge - 0xfff, h.address);
  switch (*rc::gen::inRange(0, 7)) {
    case 0:
      h.address = value;
      break;
    case 1:
      h.offset = value;
      break;
    case 2:
      h.file_size = value;
      break;
    case 3:
      h.memory_size = value;
      break;
    case 4:
      h.alignment = value;
      break;
    case 5:
      h.flags = static_cast<std::uint32_t>(value);
      break;
    default:
      program.header.entry = value;
      break;
  }
}

RC_GTEST_PROP(ElfImage, accepts_exactly_what_the_model_accepts_C4_02, ()) {
  for (int i = 0; i != 20; ++i) {
    Program program = arbitrary_program();
    for (int spoils = *rc::gen::inRange(0, 3); spoils != 0; --spoils) spoil_one_field(program);
    const auto file = program.bytes();
    const auto image = Image::parse(file);
    RC_ASSERT(image.has_value() == model_accepts(program));
    if (image) RC_ASSERT(broken_invariant(*image, file) == nullptr);
  }
}

RC_GTEST_PROP(ElfImage, overwritten_bytes_never_break_an_invariant_C4_02, ()) {
  Program program;
  program.table.push_back({kInterpreter, kFlagRead, 0x800, 0x40'0800, 0, 8, 8, 1});
  program.table.push_back({kTls, kFlagRead, 0x1010, 0x40'2010, 0, 0x10, 0x30, 16});
  auto file = program.bytes();
  program.path(file, 0x800, "/lib/ld\0");
  const auto edits = *rc::gen::container<std::vector<std::pair<std::size_t, std::uint8_t>>>(
      rc::gen::pair(rc::gen::inRange<std::size_t>(0, 300), rc::gen::arbitrary<std::uint8_t>()));
  for (const auto& [at, value] : edits) file[at] = std::byte{value};
  const auto image = Image::parse(file);
  if (image) RC_ASSERT(broken_invariant(*image, file) == nullptr);
}

TEST(ElfImage, somebody_who_writes_meanwhile_cannot_break_an_invariant) {
  auto file = Program{}.bytes();
  std::atomic<bool> started{false};
  std::atomic<bool> done{false};
  std::thread scribbler([&] {
    auto* const flags = reinterpret_cast<std::uint8_t*>(file.data()) + sizeof(FileHeader) + 4;
    auto* const high = flags + 20;  // of the address
    for (std::uint8_t i = 0; !done.load(std::memory_order_relaxed); ++i) {
      __atomic_store_n(flags, i % 2 == 0 ? kReadExecute : 7, __ATOMIC_RELAXED);
      __atomic_store_n(high, i % 3 == 0 ? std::uint8_t{0xff} : std::uint8_t{0}, __ATOMIC_RELAXED);
      started.store(true, std::memory_order_relaxed);
    }
  });
  while (!started.load(std::memory_order_relaxed)) std::this_thread::yield();
  for (int i = 0; i != 20'000; ++i) {
    const auto image = Image::parse(file);
    if (image) ASSERT_EQ(broken_invariant(*image, file), nullptr);
  }
  done.store(true, std::memory_order_relaxed);
  scribbler.join();
}

TEST(ElfImage, the_head_of_a_file_says_the_same_as_all_of_it_C4_02) {
  const auto file = Program{}.bytes();
  const auto whole = Image::parse(file);
  ASSERT_TRUE(whole);
  const auto headers = sizeof(FileHeader) + whole->header_count() * sizeof(ProgramHeader);
  for (std::size_t length = 0; length <= file.size(); ++length) {
    const auto head = std::span(file).first(length);
    const auto image = Image::parse(head, ByteCount(file.size()));
    ASSERT_EQ(image.has_value(), length >= headers) << length;
    if (!image) continue;
    EXPECT_EQ(broken_invariant(*image, head), nullptr);
    EXPECT_EQ(image->entry(), whole->entry());
    EXPECT_EQ(image->header_address(), whole->header_address());
    for (std::size_t i = 0; i < whole->segments().size(); ++i) {
      const Segment& part = image->segments()[i];
      const Segment& all = whole->segments()[i];
      EXPECT_EQ(part.file_size(), all.file_size());
      EXPECT_EQ(part.bytes.size(),
                length <= all.offset.raw() ? 0 : std::min(all.bytes.size(), length - all.offset.raw()));
    }
  }
  EXPECT_EQ(Image::parse(file, ByteCount(0x1000)).error(), Error::BadFormat);  // a segment ends behind it
}

TEST(ElfImage, this_test_program_is_where_linux_put_it_C4_02) {
  std::ifstream stream("/proc/self/exe", std::ios::binary);
  const std::vector<char> raw{std::istreambuf_iterator<char>(stream), {}};
  const auto file = std::as_bytes(std::span(raw));
  const auto image = Image::parse(file);
  ASSERT_TRUE(image);
  EXPECT_EQ(broken_invariant(*image, file), nullptr);
  EXPECT_TRUE(image->relocatable());
  EXPECT_TRUE(image->interpreter().starts_with("/lib64/ld-linux")) << image->interpreter();
  EXPECT_FALSE(image->executable_stack());
  EXPECT_EQ(image->header_count(), getauxval(AT_PHNUM));
  const std::uint64_t bias = getauxval(AT_ENTRY) - image->entry().raw();
  EXPECT_EQ(bias & kPageMask, 0u);
  EXPECT_EQ(bias + image->header_address().value_or(VirtAddr()).raw(), getauxval(AT_PHDR));
  const Segment& first = image->segments()[0];
  const auto* const mapped = reinterpret_cast<const std::byte*>(bias + first.address.raw());  // NOLINT
  EXPECT_EQ(std::memcmp(mapped, first.bytes.data(), sizeof(FileHeader)), 0);
}

}  // namespace
}  // namespace fb::core::elf

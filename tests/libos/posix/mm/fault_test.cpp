#include <gtest/gtest.h>

#include <array>

#include "tests/libos/posix/mm/machine.hpp"

namespace fb::libos::posix::mm::test {
namespace {

constexpr std::uint32_t kAll = kProtAll;

TEST(Fault, says_which_signal_it_is_C4_01) {
  Process process;
  Space& space = process.space;
  const auto file = make_shared<File>(process.frames, 1U).value();
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(1), kProtRead)));
  ASSERT_TRUE(space.mmap(anonymous(at(1), pages(1), kProtNone)));
  ASSERT_TRUE(space.mmap({.address = at(4),
                          .length = pages(2),
                          .protection = kProtRead,
                          .flags = kMapPrivate | kMapFixed,
                          .backing = file}));
  EXPECT_EQ(space.fault(at(0, 77), Touch::Read).value(), FaultResult::Handled);
  EXPECT_EQ(space.fault(at(0), Touch::Write).value(), FaultResult::NotAllowed);
  EXPECT_EQ(space.fault(at(0), Touch::Execute).value(), FaultResult::NotAllowed);
  EXPECT_EQ(space.fault(at(1), Touch::Read).value(), FaultResult::NotAllowed);
  EXPECT_EQ(space.fault(at(2), Touch::Read).value(), FaultResult::NotMapped);
  EXPECT_EQ(space.fault(at(4), Touch::Read).value(), FaultResult::Handled);
  EXPECT_EQ(space.fault(at(5), Touch::Read).value(), FaultResult::Bus);
  for (const std::uint64_t bad : {std::uint64_t{0}, kTop, std::uint64_t{1} << 47, ~std::uint64_t{0}}) {
    EXPECT_EQ(space.fault(VirtAddr(bad), Touch::Read).value(), FaultResult::NotMapped);
  }
}

TEST(Fault, flips_what_is_writable_and_executable_C4_01) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(1), kAll)));
  auto& entries = process.machine.entries;
  EXPECT_EQ(space.fault(at(0), Touch::Write).value(), FaultResult::Handled);
  EXPECT_EQ(entries.begin()->second.access, Access::ReadWrite);
  EXPECT_EQ(space.fault(at(0), Touch::Execute).value(), FaultResult::Handled);
  EXPECT_EQ(entries.begin()->second.access, Access::ReadExecute);
  ASSERT_TRUE(put(space, at(0), 4));
  EXPECT_EQ(entries.begin()->second.access, Access::ReadWrite);
  EXPECT_EQ(space.fault(at(0), Touch::Execute).value(), FaultResult::Handled);
  EXPECT_EQ(byte_at(space, at(0)), 4);
  EXPECT_EQ(entries.begin()->second.access, Access::ReadExecute);
}

TEST(Fault, maps_again_what_the_machine_lost) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(1))));
  ASSERT_TRUE(put(space, at(0), 4));
  process.machine.entries.clear();
  EXPECT_EQ(space.fault(at(0), Touch::Write).value(), FaultResult::Handled);
  EXPECT_EQ(process.machine.entries.size(), 1U);
  EXPECT_EQ(space.fault(at(0), Touch::Write).value(), FaultResult::Handled);
  EXPECT_EQ(process.machine.fault_of(space, process.frames), std::nullopt);
}

TEST(Fault, that_the_machine_has_no_memory_for_can_be_had_again_C4_10) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(1))));
  process.machine.maps_left = 0;
  EXPECT_EQ(space.fault(at(0), Touch::Write).error(), Errno::NoMemory);
  EXPECT_EQ(process.machine.fault_of(space, process.frames), std::nullopt);
  process.machine.maps_left = 1;
  EXPECT_EQ(space.fault(at(0), Touch::Write).value(), FaultResult::Handled);
}

TEST(Fault, copies_a_files_page_when_a_private_mapping_writes_C4_01) {
  Process process;
  Space& space = process.space;
  const auto file = make_shared<File>(process.frames, 3U).value();
  MapRequest request{.address = at(0),
                     .length = pages(2),
                     .protection = kRw,
                     .flags = kMapPrivate | kMapFixed,
                     .backing = file,
                     .offset = pages(1)};
  ASSERT_TRUE(space.mmap(request));
  request.flags = kMapShared | kMapFixed;
  request.address = at(8);
  ASSERT_TRUE(space.mmap(request));
  EXPECT_EQ(byte_at(space, at(0)), 'b');
  EXPECT_EQ(process.frames.used(), 3U);
  ASSERT_TRUE(put(space, at(0), 1));
  EXPECT_EQ(byte_at(space, at(8)), 'b');
  ASSERT_TRUE(put(space, at(9), 2));
  EXPECT_EQ(process.frames.bytes(file->held[2])[0], std::byte{2});
  EXPECT_EQ(byte_at(space, at(1)), 2);
  file->truncate(1);
  file->leave(1, ~std::uint64_t{0}, true);
  EXPECT_EQ(byte_at(space, at(0)), std::nullopt);
  EXPECT_EQ(space.fault(at(9), Touch::Read).value(), FaultResult::Bus);
  EXPECT_EQ(process.frames.used(), 1U);
}

TEST(Fault, brings_what_a_file_has_around_the_page_C4_10) {
  Process process;
  Space& space = process.space;
  const auto file = make_shared<File>(process.frames, 20U).value();
  MapRequest request{.address = at(0),
                     .length = pages(40),
                     .protection = kProtRead,
                     .flags = kMapPrivate | kMapFixed,
                     .backing = file};
  ASSERT_TRUE(space.mmap(request));
  EXPECT_EQ(space.fault(at(18), Touch::Read).value(), FaultResult::Handled);
  EXPECT_EQ(process.machine.entries.size(), 4U);  // of the 16 from page 16 on
  EXPECT_EQ(space.fault(at(3), Touch::Read).value(), FaultResult::Handled);
  EXPECT_EQ(process.machine.entries.size(), 20U);
  EXPECT_EQ(process.frames.used(), 20U);
  EXPECT_EQ(process.machine.fault_of(space, process.frames), std::nullopt);
  EXPECT_EQ(byte_at(space, at(12)), 'a' + 12);
  EXPECT_EQ(space.fault(at(20), Touch::Read).value(), FaultResult::Bus);
}

TEST(Fault, keeps_a_files_pages_apart_from_what_was_written_C4_10) {
  Process process;
  Machine machine;
  Space& space = process.space;
  const auto file = make_shared<File>(process.frames, 4U).value();
  MapRequest request{.address = at(0),
                     .length = pages(4),
                     .protection = kRw,
                     .flags = kMapPrivate | kMapFixed,
                     .backing = file};
  ASSERT_TRUE(space.mmap(request));
  ASSERT_TRUE(put(space, at(1), 7));
  EXPECT_EQ(process.machine.entries.at(at(0).raw() / kPageSize).access, Access::Read);
  auto child = space.fork(machine);
  ASSERT_TRUE(child);
  EXPECT_EQ(child->resident().raw(), 1U);  // the file gives the others again
  EXPECT_EQ(byte_at(*child, at(1)), 7);
  EXPECT_EQ(byte_at(*child, at(2)), 'c');
  ASSERT_TRUE(put(*child, at(2), 8));
  EXPECT_EQ(byte_at(space, at(2)), 'c');
  EXPECT_EQ(machine.fault_of(*child, process.frames), std::nullopt);
}

TEST(Fault, goes_ahead_of_who_touches_page_after_page_C4_10) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(40))));
  int faults = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    if (process.machine.entries.contains(at(i).raw() / kPageSize)) continue;
    ++faults;
    ASSERT_EQ(space.fault(at(i), Touch::Write).value(), FaultResult::Handled);
    EXPECT_LE(process.machine.entries.size(), 2 * (i + 1));
  }
  EXPECT_EQ(faults, 7);
  EXPECT_EQ(space.resident().raw(), 40U);
  EXPECT_EQ(process.machine.fault_of(space, process.frames), std::nullopt);
  for (std::uint64_t i = 0; i < 40; ++i) EXPECT_EQ(byte_at(space, at(i)), 0);
}

TEST(Fault, of_pages_here_and_there_brings_nothing_else) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(40))));
  for (const std::uint64_t page : {30U, 20U, 10U, 9U, 8U}) {
    ASSERT_EQ(space.fault(at(page), Touch::Write).value(), FaultResult::Handled);
  }
  EXPECT_EQ(space.resident().raw(), 5U);
}

TEST(Fault, grows_a_stack_within_its_limit_C4_01) {
  Process process(10'000, {.stack = pages(600)});
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(1000), pages(2), kRw, kMapFixed | kMapGrowsDown)));
  EXPECT_TRUE(put(space, at(990), 1));
  EXPECT_EQ(space.size(), pages(12));
  EXPECT_EQ(space.areas().size(), 1U);
  EXPECT_EQ(space.fault(at(401), Touch::Write).value(), FaultResult::NotMapped);
  EXPECT_EQ(space.fault(at(402), Touch::Write).value(), FaultResult::Handled);
  EXPECT_EQ(byte_at(space, at(990)), 1);
}

TEST(Fault, keeps_a_gap_between_a_stack_and_what_is_below_C4_01) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(1000), pages(2), kRw, kMapFixed | kMapGrowsDown)));
  ASSERT_TRUE(space.mmap(anonymous(at(600), pages(1))));
  EXPECT_EQ(space.fault(at(856), Touch::Write).value(), FaultResult::NotMapped);
  EXPECT_EQ(space.fault(at(857), Touch::Write).value(), FaultResult::Handled);
  ASSERT_TRUE(space.mprotect(at(600), pages(1), kProtNone));
  EXPECT_EQ(space.fault(at(601), Touch::Write).value(), FaultResult::Handled);
}

TEST(Access, refuses_bad_addresses_of_every_kind_C4_01) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(1))));
  ASSERT_TRUE(space.mmap(anonymous(VirtAddr(kTop - kPageSize), pages(1))));
  std::array<std::byte, 16> bytes{};
  const std::array bad{at(0, 4088),
                       at(1),
                       VirtAddr(kTop - 8),
                       VirtAddr(kTop),
                       VirtAddr(0),
                       VirtAddr(std::uint64_t{1} << 47),
                       VirtAddr(~std::uint64_t{0}),
                       VirtAddr(~std::uint64_t{0} - 7)};
  for (const VirtAddr address : bad) {
    EXPECT_EQ(space.read(address, bytes).error(), Errno::Fault);
    EXPECT_EQ(space.write(address, bytes).error(), Errno::Fault);
    EXPECT_EQ(space.read_string(address, ByteCount(0)).error(), Errno::NameTooLong);
    EXPECT_TRUE(space.read(address, {}));
  }
  EXPECT_EQ(space.read_string(at(1), ByteCount(9)).error(), Errno::Fault);
  EXPECT_EQ(space.read_string(VirtAddr(~std::uint64_t{0}), ByteCount(9)).error(), Errno::Fault);
}

TEST(Access, reads_strings_up_to_their_end_C4_01) {
  Process process;
  Space& space = process.space;
  ASSERT_TRUE(space.mmap(anonymous(at(0), pages(2))));
  const std::string text(5000, 'x');
  ASSERT_TRUE(space.write(at(0, 100), std::as_bytes(std::span(text.data(), text.size()))));
  const auto read = space.read_string(at(0, 100), ByteCount(5001));
  ASSERT_TRUE(read);
  EXPECT_EQ(std::string(read->begin(), read->end()), text);
  EXPECT_EQ(space.read_string(at(0, 100), ByteCount(5000)).error(), Errno::NameTooLong);
  ASSERT_TRUE(put(space, at(1, 4095), 'y'));
  EXPECT_EQ(space.read_string(at(1, 4095), ByteCount(5000)).error(), Errno::Fault);
}

}  // namespace
}  // namespace fb::libos::posix::mm::test

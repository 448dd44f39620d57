#include "libos/posix/vfs/file.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "libos/posix/vfs/devices.hpp"
#include "tests/libos/posix/vfs/ioctl.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

struct CountingRandom final : RandomSource {
  void fill(std::span<std::byte> bytes) override {
    for (auto& byte : bytes) byte = static_cast<std::byte>(++next);
  }
  std::uint8_t next = 0;
};

struct Files : testing::Test {
  Answer<std::size_t> write(File& file, std::string_view text) {
    BytesInput in(std::as_bytes(std::span(text)));
    return file.write(in, text.size(), waiter_);
  }
  std::string read(File& file, std::size_t count) {
    std::string text(count, '?');
    BytesOutput out(std::as_writable_bytes(std::span(text)));
    text.resize(file.read(out, count, waiter_).value());
    return text;
  }
  Ref<File> device(std::uint32_t minor) {
    const auto inode =
        volume_.root
            ->create(std::to_string(minor), {.mode = mode::kCharacter | 0666, .rdev = make_device(1, minor)})
            .value();
    return devices_.open(inode, flag::kReadWrite).value();
  }
  Ref<Inode> file() { return volume_.root->create("f", regular()).value(); }

  Volume volume_;
  Script waiter_;
  CountingRandom random_;
  MemoryDevices devices_{random_};
};

TEST_F(Files, offsets_move_with_reads_and_writes_C4_18) {
  const auto open = make_shared<RegularFile>(file(), flag::kReadWrite | flag::kCreate).value();
  EXPECT_EQ(open->flags(), flag::kReadWrite);
  EXPECT_EQ(write(*open, "hello world").value(), 11U);
  EXPECT_EQ(open->seek(-5, Whence::Current).value(), 6U);
  EXPECT_EQ(read(*open, 100), "world");
  EXPECT_EQ(open->seek(-11, Whence::End).value(), 0U);
  EXPECT_EQ(read(*open, 5), "hello");
  EXPECT_EQ(open->seek(-1, Whence::Set).error(), Errno::Invalid);
  EXPECT_EQ(open->seek(0x7fff'ffff'ffff'ffff, Whence::End).error(), Errno::Invalid);
  EXPECT_EQ(open->seek(100, Whence::Set).value(), 100U);
  EXPECT_EQ(read(*open, 5), "");
  EXPECT_EQ(open->seek(11, Whence::Data).error(), Errno::NoDeviceOrAddress);
  EXPECT_EQ(open->seek(3, Whence::Hole).value(), 11U);
  EXPECT_EQ(open->seek(0, static_cast<Whence>(9)).error(), Errno::Invalid);
}

TEST_F(Files, pread_and_pwrite_leave_the_offset_C4_18) {
  const auto open = make_shared<RegularFile>(file(), flag::kReadWrite).value();
  ASSERT_TRUE(write(*open, "abc").has_value());
  BytesInput in(std::as_bytes(std::span("XY", 2)));
  EXPECT_EQ(open->write_at(1, in, 2).value(), 2U);
  EXPECT_EQ(open->seek(0, Whence::Current).value(), 3U);
  std::byte bytes[3];
  BytesOutput out(bytes);
  EXPECT_EQ(open->read_at(0, out, 3).value(), 3U);
  EXPECT_EQ(std::memcmp(bytes, "aXY", 3), 0);
  EXPECT_EQ(open->read_at(-1, out, 3).error(), Errno::Invalid);
}

TEST_F(Files, appending_writes_at_the_end_wherever_the_offset_is_C4_18) {
  const auto inode = file();
  const auto open = make_shared<RegularFile>(inode, flag::kReadWrite | flag::kAppend).value();
  ASSERT_TRUE(write(*open, "abc").has_value());
  ASSERT_TRUE(open->seek(0, Whence::Set).has_value());
  ASSERT_TRUE(write(*open, "def").has_value());
  EXPECT_EQ(test::read(*inode), "abcdef");
  open->set_flags(flag::kNonBlock | flag::kWrite);
  EXPECT_EQ(open->flags(), flag::kReadWrite | flag::kNonBlock);
}

TEST_F(Files, the_access_mode_is_EBADF_where_it_does_not_allow_C4_18) {
  const auto inode = file();
  const auto reader = make_shared<RegularFile>(inode, flag::kRead).value();
  const auto writer = make_shared<RegularFile>(inode, flag::kWrite).value();
  const auto path = make_shared<File>(inode, flag::kPath).value();
  std::byte byte{};
  BytesOutput out({&byte, 1});
  EXPECT_EQ(write(*reader, "x").error(), Errno::BadDescriptor);
  EXPECT_EQ(writer->read(out, 1, waiter_).error(), Errno::BadDescriptor);
  EXPECT_EQ(path->read(out, 1, waiter_).error(), Errno::BadDescriptor);
  EXPECT_EQ(path->seek(0, Whence::Set).error(), Errno::BadDescriptor);
  EXPECT_EQ(path->stat().inode, inode->attributes().inode);
  EXPECT_EQ(reader->truncate(0).error(), Errno::Invalid);
  EXPECT_EQ(writer->truncate(-1).error(), Errno::Invalid);
  EXPECT_TRUE(writer->truncate(5000).has_value());
  EXPECT_EQ(reader->stat().size, 5000);
  EXPECT_EQ(reader->entries(out, 1).error(), Errno::NotDirectory);
  EXPECT_EQ(done(*reader, 0x5401).error(), Errno::NotTerminal);
}

TEST_F(Files, stat_says_what_linux_says_C4_18) {
  const auto inode = file();
  ASSERT_TRUE(test::write(*inode, 5000, "x").has_value());
  const auto open = make_shared<RegularFile>(inode, flag::kRead).value();
  const Stat stat = open->stat();
  EXPECT_EQ(stat.mode, mode::kRegular | 0644);
  EXPECT_EQ(stat.size, 5001);
  EXPECT_EQ(stat.blocks, 8);
  EXPECT_EQ(stat.block_size, 4096);
  EXPECT_EQ(stat.modified.seconds, 1);
  EXPECT_EQ(make_device(4, 64), 0x440U);
  EXPECT_EQ(make_device(0x1234, 0x56789), 0x100056723489U);
}

struct Entries {
  std::vector<std::string> names;
  std::vector<std::int64_t> offsets;
  std::vector<unsigned> types;
};
Entries parse(std::span<const std::byte> bytes) {
  Entries found;
  while (!bytes.empty()) {
    DirectoryRecord record{};
    std::memcpy(&record, bytes.data(), kDirectoryRecordName);
    found.names.emplace_back(reinterpret_cast<const char*>(bytes.data() + kDirectoryRecordName));
    found.offsets.push_back(record.offset);
    found.types.push_back(record.type);
    bytes = bytes.subspan(record.length);
  }
  return found;
}

TEST_F(Files, getdents64_goes_on_behind_what_was_read_C4_18) {
  ASSERT_TRUE(volume_.root->create("sub", directory()).has_value());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(volume_.root->create("name" + std::to_string(i), regular()).has_value());
  }
  const auto open = make_shared<DirectoryFile>(volume_.root, flag::kRead | flag::kDirectory).value();
  std::vector<std::string> all;
  std::int64_t third = 0;
  for (;;) {
    std::byte bytes[104];
    BytesOutput out(bytes);
    const auto count = open->entries(out, sizeof bytes).value();
    if (count == 0) break;
    const Entries some = parse({bytes, count});
    if (all.empty()) {
      EXPECT_EQ(some.types, (std::vector<unsigned>{4, 4, 4, 8}));
      third = some.offsets.at(2);
    }
    all.insert(all.end(), some.names.begin(), some.names.end());
    (void)volume_.root->unlink("name7");
  }
  EXPECT_EQ(all.size(), 22U);
  EXPECT_EQ(all[0], ".");
  EXPECT_EQ(all[1], "..");
  EXPECT_EQ(all[2], "sub");
  EXPECT_EQ(all[3], "name0");
  ASSERT_TRUE(open->seek(third, Whence::Set).has_value());
  std::byte bytes[32];
  BytesOutput out(bytes);
  EXPECT_EQ(parse({bytes, open->entries(out, sizeof bytes).value()}).names,
            std::vector<std::string>{"name0"});
  EXPECT_EQ(open->entries(out, 10).error(), Errno::Invalid);
  EXPECT_EQ(open->entries(out, 100).error(), Errno::Fault);
  EXPECT_EQ(open->read(out, 10, waiter_).error(), Errno::IsDirectory);
  EXPECT_EQ(open->seek(0, Whence::End).error(), Errno::Invalid);
}

TEST_F(Files, a_removed_directory_has_no_entries_to_read_C4_18) {
  const auto sub = volume_.root->create("sub", directory()).value();
  const auto open = make_shared<DirectoryFile>(sub, flag::kRead).value();
  ASSERT_TRUE(volume_.root->remove_directory("sub").has_value());
  std::byte bytes[100];
  BytesOutput out(bytes);
  EXPECT_EQ(open->entries(out, sizeof bytes).error(), Errno::NoEntry);
}

TEST_F(Files, null_zero_full_and_random_do_what_they_are_named_for_C4_18) {
  const auto null = device(3);
  EXPECT_EQ(read(*null, 10), "");
  EXPECT_EQ(write(*null, "gone").value(), 4U);
  EXPECT_EQ(null->seek(5, Whence::End).value(), 0U);
  EXPECT_EQ(read(*device(5), 1000), std::string(1000, '\0'));
  const auto full = device(7);
  EXPECT_EQ(write(*full, "x").error(), Errno::NoSpace);
  EXPECT_EQ(read(*full, 2), std::string(2, '\0'));
  EXPECT_EQ(read(*device(8), 3), "\1\2\3");
  EXPECT_EQ(read(*device(9), 300).size(), 300U);
  EXPECT_EQ(null->poll().events & poll::kIn, poll::kIn);
  const auto none =
      volume_.root->create("n", {.mode = mode::kCharacter | 0666, .rdev = make_device(1, 99)}).value();
  EXPECT_EQ(devices_.open(none, flag::kRead).error(), Errno::NoDeviceOrAddress);
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test

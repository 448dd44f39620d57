// Files that are made as they are read, and links that lead to files.
#include <gtest/gtest.h>

#include "libos/posix/vfs/operations.hpp"
#include "tests/libos/posix/procfs/support.hpp"

namespace fb::libos::posix::procfs::test {
namespace {

using Files = Mounted;
using Links = Mounted;

TEST_F(Files, a_read_at_the_beginning_is_new_and_one_behind_it_goes_on_C4) {
  fake_.numbers.uptime = core::Nanoseconds(12'340'000'000);
  const auto file = open("/proc/uptime").value();
  char some[3];
  vfs::BytesOutput out(std::as_writable_bytes(std::span(some)));
  ASSERT_EQ(file->read(out, 3, none_).value(), 3U);
  fake_.numbers.uptime = core::Nanoseconds(99'990'000'000);
  EXPECT_EQ(read_all(*file).value(), "34 0.00\n") << "of the text that was begun";
  EXPECT_EQ(read_all(*file).value(), "");
  EXPECT_EQ(file->seek(0, vfs::Whence::Set).value(), 0U);
  EXPECT_EQ(read_all(*file).value(), "99.99 0.00\n") << "top keeps its files open";
}

TEST_F(Files, seeking_is_as_in_Linux_C4) {
  const auto file = open("/proc/uptime").value();
  EXPECT_EQ(file->seek(5, vfs::Whence::Set).value(), 5U);
  EXPECT_EQ(file->seek(-2, vfs::Whence::Current).value(), 3U);
  EXPECT_EQ(error_of(file->seek(0, vfs::Whence::End)), Errno::Invalid);
  EXPECT_EQ(error_of(file->seek(-4, vfs::Whence::Current)), Errno::Invalid);
  EXPECT_EQ(error_of(file->seek(0x7fff'ffff'ffff'ffff, vfs::Whence::Current)), Errno::Invalid);
  EXPECT_EQ(file->seek(0, vfs::Whence::Current).value(), 3U);
  EXPECT_EQ(read_all(*file).value(), "0 0.00\n");
  EXPECT_EQ(file->seek(1 << 20, vfs::Whence::Set).value(), 1U << 20);
  EXPECT_EQ(read_all(*file).value(), "");
}

TEST_F(Files, long_texts_come_whole_in_pieces_of_any_size_C4) {
  auto& areas = fake_.processes[1].areas;
  for (std::uint64_t i = 1; i <= 1000; ++i) areas.push_back({.start = i << 13, .end = (i << 13) + 4096});
  const std::string whole = read("/proc/1/maps", 1 << 20);
  EXPECT_EQ(split(whole, '\n').size(), 1000U);
  for (const std::size_t piece : {1UZ, 7UZ, 1024UZ, 4096UZ}) EXPECT_EQ(read("/proc/1/maps", piece), whole);
  const auto file = open("/proc/1/maps").value();
  char some[8];
  for (const std::int64_t at : {40'000, 8, 20'000, 0}) {
    vfs::BytesOutput out(std::as_writable_bytes(std::span(some)));
    ASSERT_EQ(file->read_at(at, out, 8).value(), 8U);
    EXPECT_EQ(std::string_view(some, 8), std::string_view(whole).substr(static_cast<std::size_t>(at), 8));
  }
}

TEST_F(Files, reading_a_long_text_in_order_makes_it_once_C4) {
  auto& areas = fake_.processes[1].areas;
  for (std::uint64_t i = 1; i <= 1000; ++i) areas.push_back({.start = i << 13, .end = (i << 13) + 4096});
  fake_.areas_asked = 0;
  static_cast<void>(read("/proc/1/maps", 64));
  EXPECT_LE(fake_.areas_asked, 1002);
}

TEST_F(Files, reads_into_bad_memory_are_EFAULT_and_lose_nothing_C4) {
  const auto file = open("/proc/uptime").value();
  vfs::BytesOutput nowhere({});
  EXPECT_EQ(error_of(file->read(nowhere, 10, none_)), Errno::Fault);
  EXPECT_EQ(read_all(*file).value(), "0.00 0.00\n");
  EXPECT_EQ(error_of(file->read_at(-1, nowhere, 10)), Errno::Invalid);
}

TEST_F(Files, a_process_renames_itself_and_no_other_C4) {
  EXPECT_EQ(write("/proc/self/comm", "a-name-that-is-too-long"), Errno{});
  EXPECT_EQ(read("/proc/1/comm"), "a-name-that-is-\n");
  EXPECT_EQ(write("/proc/self/task/3/comm", "name\n"), Errno{});
  EXPECT_EQ(read("/proc/1/comm"), "name\n\n") << "as Linux has it";
  EXPECT_EQ(write("/proc/7/comm", "x"), Errno::Invalid);
  const auto file = open("/proc/self/comm", flag::kReadWrite).value();
  vfs::BytesInput nowhere({});
  EXPECT_EQ(error_of(file->write(nowhere, 1, none_)), Errno::Fault);
  EXPECT_EQ(write(*file, std::string(100'000, 'x')).value(), 100'000U);
  EXPECT_EQ(read("/proc/1/comm"), "xxxxxxxxxxxxxxx\n");
}

TEST_F(Files, the_oom_adjustment_is_a_number_from_minus_1000_to_1000_C4) {
  EXPECT_EQ(write("/proc/7/oom_score_adj", "-1000\n"), Errno{});
  EXPECT_EQ(read("/proc/7/oom_score_adj"), "-1000\n");
  for (const char* const bad : {"1001", "-1001", "", "x", "1x", "--1", "99999999999999999999"}) {
    EXPECT_EQ(error_of(write(*open("/proc/7/oom_score_adj", flag::kWrite).value(), bad)),
              *bad == '\0' ? Errno{} : Errno::Invalid)
        << bad;
  }
  fake_.processes[7].numbers.uid = {5, 5, 5, 5};
  fake_.credentials = {.uid = 5, .gid = 5, .groups = {}};
  EXPECT_EQ(write("/proc/7/oom_score_adj", "10"), Errno{});
  EXPECT_EQ(write("/proc/7/oom_score_adj", "9"), Errno::Access);
}

TEST_F(Files, what_takes_no_writes_says_EIO_and_readers_do_not_write_C4) {
  EXPECT_EQ(write("/proc/version", "x"), Errno::Io);
  EXPECT_EQ(error_of(write(*open("/proc/version").value(), "x")), Errno::BadDescriptor);
  fake_.credentials = {.uid = 5, .gid = 5, .groups = {}};
  EXPECT_EQ(error_of(open("/proc/version", flag::kWrite)), Errno::Access);
}

TEST_F(Links, a_descriptor_is_named_by_its_path_and_reopened_as_its_file_C4) {
  auto file = open("/tmp/f", flag::kCreate | flag::kReadWrite).value();
  ASSERT_EQ(give(file), 0);
  ASSERT_TRUE(write(*file, "hello").has_value());
  EXPECT_EQ(link("/proc/self/fd/0"), "/tmp/f");
  EXPECT_EQ(find("/proc/self/fd/0").value(), file->inode());
  const auto again = open("/dev/fd/0").value();
  EXPECT_NE(again, file);
  EXPECT_EQ(read_all(*again).value(), "hello") << "with an offset of its own";
  EXPECT_EQ(error_of(write(*again, "x")), Errno::BadDescriptor) << "and its own access";
  give(again);
  EXPECT_EQ(link("/proc/self/fd/1"), "/tmp/f");
  EXPECT_EQ(read("/dev/stdin"), "hello");
}

TEST_F(Links, renamed_and_deleted_files_are_still_reached_C4) {
  auto file = open("/tmp/f", flag::kCreate | flag::kReadWrite).value();
  give(file);
  ASSERT_TRUE(write(*file, "hello").has_value());
  ASSERT_TRUE(vfs::rename(place(), "/tmp/f", place(), "/tmp/g", 0).has_value());
  EXPECT_EQ(link("/proc/self/fd/0"), "/tmp/g");
  ASSERT_TRUE(vfs::unlink(place(), "/tmp/g").has_value());
  EXPECT_EQ(link("/proc/self/fd/0"), "/tmp/f (deleted)");
  EXPECT_EQ(read("/proc/self/fd/0"), "hello");
  const auto other = open("/tmp/f", flag::kCreate | flag::kWrite).value();
  EXPECT_EQ(link("/proc/self/fd/0"), "/tmp/f (deleted)") << "that is another one's name";
  EXPECT_EQ(error_of(open("/proc/self/fd/0", flag::kRead | flag::kNoFollow)), Errno::Loop);
  EXPECT_EQ(error_of(find("/proc/self/fd/0/x")), Errno::NotDirectory);
}

TEST_F(Links, directories_are_gone_through_C4) {
  ASSERT_TRUE(vfs::make_node(place(), "/tmp/d", mode::kDirectory | 0755).has_value());
  give(open("/tmp/d").value());
  EXPECT_EQ(link("/proc/self/fd/0"), "/tmp/d");
  ASSERT_TRUE(open("/proc/self/fd/0/f", flag::kCreate | flag::kWrite).has_value());
  EXPECT_EQ(error_of(find("/tmp/d/f")), Errno{});
  EXPECT_EQ(find("/proc/self/fd/0/..").value(), find("/tmp").value());
  fake_.processes[1].directory = find("/tmp/d").value();
  EXPECT_EQ(link("/proc/self/cwd"), "/tmp/d");
  EXPECT_EQ(error_of(find("/proc/self/cwd/f")), Errno{});
  EXPECT_EQ(link("/proc/self/root"), "/");
}

TEST_F(Links, pipes_are_opened_again_without_waiting_C4) {
  const auto ends = vfs::make_pipe(volume_.frames, {.inode = 55, .links = 1}, 0).value();
  give(ends.read);
  give(ends.write);
  EXPECT_EQ(link("/proc/self/fd/0"), "pipe:[55]");
  ASSERT_TRUE(write(*ends.write, "hello").has_value());
  const auto reader = open("/proc/self/fd/1").value();
  char some[5];
  vfs::BytesOutput out(std::as_writable_bytes(std::span(some)));
  EXPECT_EQ(reader->read(out, 5, none_).value(), 5U) << "the other end of the same pipe";
  EXPECT_EQ(std::string_view(some, 5), "hello");
  const auto writer = open("/proc/self/fd/0", flag::kWrite).value();
  fake_.processes[1].descriptors.close_all();
  EXPECT_EQ(none_.waits, 0);
  EXPECT_TRUE(write(*writer, "x").has_value());
}

TEST_F(Links, a_pipe_whose_writers_are_gone_is_at_its_end_for_who_opens_it_C4) {
  auto ends = vfs::make_pipe(volume_.frames, {.inode = 55, .links = 1}, 0).value();
  give(ends.read);
  ends.write.reset();
  EXPECT_EQ(read("/proc/self/fd/0"), "");
  EXPECT_EQ(none_.waits, 0);
}

TEST_F(Links, what_has_no_inode_can_be_looked_at_and_not_opened_C4) {
  give(make_shared<vfs::File>(Ref<vfs::Inode>(), flag::kReadWrite).value());
  EXPECT_EQ(link("/proc/self/fd/0"), "anon_inode:[file]");
  EXPECT_EQ(error_of(find("/proc/self/fd/0")), Errno{});
  EXPECT_EQ(error_of(open("/proc/self/fd/0")), Errno::NoDeviceOrAddress);
  EXPECT_EQ(find("/proc/self/fd/0", false).value()->attributes().mode, mode::kSymlink | 0700);
  give(open("/dev/null").value());
  EXPECT_EQ(find("/proc/self/fd/1", false).value()->attributes().mode, mode::kSymlink | 0500);
}

TEST_F(Links, the_program_is_named_and_can_be_run_again_C4) {
  EXPECT_EQ(link("/proc/1/exe"), "ENOENT") << "there is none";
  EXPECT_EQ(error_of(find("/proc/1/exe")), Errno::NoEntry);
  ASSERT_TRUE(open("/tmp/program", flag::kCreate | flag::kWrite).has_value());
  ASSERT_TRUE(vfs::make_symlink(place(), "/tmp/l", "program").has_value());
  fake_.processes[1].executable = vfs::locate(place(), "/tmp/l").value();
  EXPECT_EQ(link("/proc/1/exe"), "/tmp/program");
  fake_.processes[7].executable = vfs::locate(place(), "/proc/1/exe").value();
  EXPECT_EQ(link("/proc/7/exe"), "/tmp/program") << "a name goes with what was jumped to";
  ASSERT_TRUE(vfs::unlink(place(), "/tmp/program").has_value());
  EXPECT_EQ(link("/proc/7/exe"), "/tmp/program (deleted)");
}

TEST_F(Links, paths_outside_of_the_root_of_who_asks_are_not_told_C4) {
  ASSERT_TRUE(vfs::make_node(place(), "/jail", mode::kDirectory | 0755).has_value());
  give(open("/tmp").value());
  give(open("/tmp/f", flag::kCreate | flag::kWrite).value());
  const auto directory = find("/proc/self/fd/0", false).value();
  const auto file = find("/proc/self/fd/1", false).value();
  fake_.root = find("/jail").value();
  EXPECT_EQ(directory->readlink().value(), "(unreachable)");
  EXPECT_EQ(file->readlink().value(), "/f") << "as much as is known without a way to it";
}

TEST_F(Links, fdinfo_tells_of_offset_and_flags_C4) {
  auto file = open("/tmp/f", flag::kCreate | flag::kReadWrite).value();
  ASSERT_TRUE(write(*file, "hello").has_value());
  give(file, 1, true);
  const auto lines = split(read("/proc/self/fdinfo/0"), '\n');
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0], "pos:\t5");
  EXPECT_EQ(lines[1], "flags:\t02000002");
  EXPECT_EQ(lines[2], "mnt_id:\t" + std::to_string(mounts_.holder(*file->inode())->number));
  EXPECT_EQ(lines[3], "ino:\t" + std::to_string(file->inode()->attributes().inode));
}

}  // namespace
}  // namespace fb::libos::posix::procfs::test

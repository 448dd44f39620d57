// memfd_create and its seals, by themselves and where mappings come in.
#include <gtest/gtest.h>

#include "tests/libos/posix/map/mapped.hpp"

namespace fb::libos::posix::map::test {
namespace {

using namespace vfs::seal;

struct Seals : Mapped {
  Ref<vfs::File> make(std::uint32_t flags = vfs::memory_file::kAllowSealing) {
    auto file = files.make(volume.frames, volume.clock, {}, flags).value();
    inode = file->inode();
    return file;
  }
  vfs::MemoryFiles files;
};

TEST_F(Seals, are_kept_and_end_with_the_last_C4_11) {
  const auto file = make();
  EXPECT_EQ(vfs::get_seals(*file).value(), 0U);
  ASSERT_TRUE(vfs::test::write(*inode, 0, "12345"));
  EXPECT_TRUE(vfs::add_seals(*file, kShrink | kGrow));
  EXPECT_EQ(error_of(inode->truncate(4)), Errno::Perm);
  EXPECT_EQ(error_of(inode->truncate(6)), Errno::Perm);
  EXPECT_TRUE(inode->truncate(5));
  EXPECT_EQ(error_of(vfs::test::write(*inode, 3, "abc")), Errno::Perm);
  EXPECT_TRUE(vfs::test::write(*inode, 3, "ab"));
  EXPECT_EQ(error_of(inode->allocate(0, 0, 10)), Errno::Perm);
  EXPECT_TRUE(vfs::add_seals(*file, kSeal));
  EXPECT_EQ(error_of(vfs::add_seals(*file, kWrite)), Errno::Perm);
  EXPECT_EQ(vfs::get_seals(*file).value(), kSeal | kShrink | kGrow);
}

TEST_F(Seals, of_a_file_made_without_them_are_closed_C4_11) {
  const auto file = make(0);
  EXPECT_EQ(vfs::get_seals(*file).value(), kSeal);
  EXPECT_EQ(error_of(vfs::add_seals(*file, kWrite)), Errno::Perm);
  EXPECT_EQ(error_of(vfs::add_seals(*make(), 64)), Errno::Invalid);
  EXPECT_EQ(error_of(vfs::add_seals(*make_shared<vfs::RegularFile>(inode, vfs::flag::kRead).value(), kWrite)),
            Errno::Perm);
  EXPECT_EQ(error_of(vfs::get_seals(vfs::File({}, 0))), Errno::Invalid);
}

TEST_F(Seals, against_writing_wait_for_writable_mappings_to_go_C4_11) {
  const auto file = make();
  ASSERT_TRUE(inode->truncate(2 * 4096));
  ASSERT_EQ(map(one, *file, 0, 2, mm::kMapShared, mm::kProtRead), Errno{});
  EXPECT_EQ(error_of(vfs::add_seals(*file, kWrite)), Errno::Busy) << "mprotect could make it writable";
  EXPECT_TRUE(vfs::add_seals(*file, kFutureWrite));
  EXPECT_TRUE(one.space.mprotect(at(0), pages(2), kRw)) << "it was there before";
  EXPECT_TRUE(put(one.space, at(0), 1));
  EXPECT_EQ(error_of(vfs::test::write(*inode, 0, "x")), Errno::Perm);
  ASSERT_TRUE(one.space.munmap(at(0), pages(2)));
  EXPECT_TRUE(vfs::add_seals(*file, kWrite));
  EXPECT_EQ(map(one, *file, 0, 2), Errno::Perm);
  ASSERT_EQ(map(one, *file, 0, 2, mm::kMapShared, mm::kProtRead), Errno{});
  EXPECT_EQ(error_of(one.space.mprotect(at(0), pages(2), kRw)), Errno::Access);
  EXPECT_EQ(map(one, *file, 0, 2, mm::kMapPrivate), Errno{});
  EXPECT_EQ(error_of(inode->allocate(3, 0, 4096)), Errno::Perm);
}

TEST_F(Seals, of_execution_keep_the_mode_and_what_may_be_run_C4_11) {
  auto file = make(vfs::memory_file::kNoExecuteSeal);
  EXPECT_EQ(vfs::get_seals(*file).value(), kExecute);
  EXPECT_EQ(inode->attributes().mode & 0777, 0666U);
  file = make();
  EXPECT_EQ(inode->attributes().mode & 0777, 0777U);
  EXPECT_TRUE(vfs::add_seals(*file, kExecute));
  EXPECT_EQ(vfs::get_seals(*file).value(), kExecute | kShrink | kGrow | kWrite | kFutureWrite);
  EXPECT_EQ(error_of(files.make(volume.frames, volume.clock, {}, 24)), Errno::Invalid);
  EXPECT_EQ(error_of(files.make(volume.frames, volume.clock, {}, 4)), Errno::Invalid);
}

TEST_F(Seals, files_of_memory_have_numbers_of_their_own_and_no_names_C4_11) {
  const auto first = make(), second = make();
  EXPECT_NE(first->stat().inode, second->stat().inode);
  EXPECT_EQ(first->stat().links, 0U);
}

}  // namespace
}  // namespace fb::libos::posix::map::test

#include "libos/posix/map/file_pages.hpp"

#include <gtest/gtest.h>

#include "tests/libos/posix/map/mapped.hpp"

namespace fb::libos::posix::map::test {
namespace {

using mm::FaultResult;
using mm::Touch;

TEST_F(Mapped, shared_mappings_and_the_file_show_each_other_C4_10) {
  ASSERT_TRUE(vfs::test::write(*inode, 0, std::string(3 * 4096, 'a')));
  const auto file = open();
  ASSERT_EQ(map(one, *file, 0, 3), Errno{});
  ASSERT_EQ(map(two, *file, 8, 2, mm::kMapShared, kRw, 1), Errno{});
  EXPECT_EQ(byte_at(one.space, at(1)), 'a');
  ASSERT_TRUE(vfs::test::write(*inode, 4096, "b"));
  EXPECT_EQ(byte_at(one.space, at(1)), 'b');
  ASSERT_TRUE(put(one.space, at(1, 1), 'c'));
  ASSERT_TRUE(put(two.space, at(8, 2), 'd'));
  EXPECT_EQ(text(4096, 4), "bcda");
  EXPECT_EQ(byte_at(one.space, at(1, 2)), 'd');
  EXPECT_EQ(one.space.munmap(at(0), pages(3)).has_value(), true);
  EXPECT_EQ(text(4096, 4), "bcda") << "what was written stays";
}

TEST_F(Mapped, private_mappings_keep_what_they_wrote_C4_10) {
  ASSERT_TRUE(vfs::test::write(*inode, 0, std::string(2 * 4096, 'a')));
  const auto file = open(vfs::flag::kRead);
  ASSERT_EQ(map(one, *file, 0, 2, mm::kMapPrivate), Errno{});
  ASSERT_TRUE(put(one.space, at(0), 'x'));
  ASSERT_TRUE(vfs::test::write(*inode, 0, "bb"));
  EXPECT_EQ(byte_at(one.space, at(0, 1)), 'a');
  EXPECT_EQ(text(0, 2), "bb");
}

TEST_F(Mapped, holes_get_pages_that_both_share_C4_10) {
  ASSERT_TRUE(inode->truncate(4 * 4096));
  const auto file = open();
  ASSERT_EQ(map(one, *file, 0, 4), Errno{});
  EXPECT_EQ(byte_at(one.space, at(2)), 0);
  ASSERT_TRUE(vfs::test::write(*inode, 2 * 4096, "z"));
  EXPECT_EQ(byte_at(one.space, at(2)), 'z');
  EXPECT_EQ(inode->attributes().pages, 1U);
}

TEST_F(Mapped, what_is_cut_off_is_a_bus_error_and_zeros_when_it_comes_back_C4_10) {
  ASSERT_TRUE(vfs::test::write(*inode, 0, std::string(4 * 4096, 'a')));
  const auto file = open();
  ASSERT_EQ(map(one, *file, 0, 4), Errno{});
  ASSERT_EQ(map(two, *file, 0, 4, mm::kMapPrivate), Errno{});
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(put(one.space, at(i), 'b') && put(two.space, at(i), 'c'));
  ASSERT_TRUE(inode->truncate(4096 + 10));
  for (Program* program : {&one, &two}) {
    EXPECT_EQ(touch(*program, 2), FaultResult::Bus);
    EXPECT_EQ(touch(*program, 3, Touch::Write), FaultResult::Bus);
  }
  EXPECT_EQ(byte_at(one.space, at(1)), 'b');
  EXPECT_EQ(byte_at(one.space, at(1, 11)), 0);
  EXPECT_EQ(byte_at(two.space, at(1)), 'c') << "a copy of a page that is still there";
  EXPECT_EQ(inode->attributes().pages, 2U);
  ASSERT_TRUE(inode->truncate(3 * 4096));
  EXPECT_EQ(byte_at(one.space, at(2)), 0);
  EXPECT_EQ(byte_at(two.space, at(2)), 0);
  EXPECT_EQ(touch(one, 3), FaultResult::Bus);
}

TEST_F(Mapped, what_lies_behind_the_end_in_the_last_page_does_not_come_into_the_file_C4_10) {
  ASSERT_TRUE(vfs::test::write(*inode, 0, "end"));
  const auto file = open();
  ASSERT_EQ(map(one, *file, 0, 1), Errno{});
  ASSERT_TRUE(put(one.space, at(0, 100), 'x'));
  ASSERT_TRUE(vfs::test::write(*inode, 200, "y"));
  EXPECT_EQ(text(100, 1), std::string(1, '\0'));
}

TEST_F(Mapped, a_hole_that_is_punched_is_zeros_for_all_but_private_copies_C4_10) {
  ASSERT_TRUE(vfs::test::write(*inode, 0, std::string(4 * 4096, 'a')));
  const auto file = open();
  ASSERT_EQ(map(one, *file, 0, 4), Errno{});
  ASSERT_EQ(map(two, *file, 0, 4, mm::kMapPrivate), Errno{});
  EXPECT_EQ(byte_at(one.space, at(1)), 'a');
  EXPECT_EQ(byte_at(two.space, at(1)), 'a');
  ASSERT_TRUE(put(two.space, at(2), 'c'));
  constexpr auto kPunch = vfs::allocation::kPunchHole | vfs::allocation::kKeepSize;
  ASSERT_TRUE(inode->allocate(kPunch, 4096, 2 * 4096));
  EXPECT_EQ(byte_at(one.space, at(1)), 0);
  EXPECT_EQ(byte_at(two.space, at(1)), 0);
  EXPECT_EQ(byte_at(two.space, at(2)), 'c');
  EXPECT_EQ(byte_at(two.space, at(3)), 'a');
  ASSERT_TRUE(one.space.madvise(at(3), pages(1), mm::Advice::Remove));
  EXPECT_EQ(text(3 * 4096, 1), std::string(1, '\0'));
  EXPECT_EQ(error_of(two.space.madvise(at(3), pages(1), mm::Advice::Remove)), Errno::Access);
  EXPECT_EQ(inode->attributes().size, 4U * 4096);
}

TEST_F(Mapped, a_write_from_the_pages_that_it_writes_keeps_file_and_mapping_one_C4_10) {
  ASSERT_TRUE(inode->truncate(2 * 4096));
  const auto file = open();
  ASSERT_EQ(map(one, *file, 0, 1), Errno{});
  /// Touches the hole that is being filled, and then fails.
  struct Greedy final : vfs::Input {
    explicit Greedy(mm::Space& the_space) : space(the_space) {}
    Answer<> take(std::span<std::byte> bytes) override {
      return space.read(at(0), bytes.first(2)).and_then([] { return Answer<>(fail(Errno::Fault)); });
    }
    mm::Space& space;
  } in{one.space};
  EXPECT_EQ(error_of(inode->write(0, in, 100)), Errno::Fault);
  ASSERT_TRUE(put(one.space, at(0), 'q'));
  EXPECT_EQ(text(0, 1), "q");
}

TEST_F(Mapped, who_may_not_write_the_file_may_not_map_it_for_writing_C4_10) {
  ASSERT_TRUE(vfs::test::write(*inode, 0, "x"));
  const auto reading = open(vfs::flag::kRead), writing = open(vfs::flag::kWrite),
             path = open(vfs::flag::kPath);
  EXPECT_EQ(map(one, *reading, 0, 1), Errno::Access);
  EXPECT_EQ(map(one, *writing, 0, 1, mm::kMapPrivate, mm::kProtRead), Errno::Access);
  EXPECT_EQ(map(one, *path, 0, 1, mm::kMapPrivate, mm::kProtRead), Errno::BadDescriptor);
  ASSERT_EQ(map(one, *reading, 0, 1, mm::kMapShared, mm::kProtRead), Errno{});
  EXPECT_EQ(error_of(one.space.mprotect(at(0), pages(1), kRw)), Errno::Access);
  EXPECT_EQ(map(one, *reading, 0, 1, mm::kMapSharedValidate | 0x80'0000, mm::kProtRead), Errno::NotSupported);
  const auto directory = make_shared<vfs::DirectoryFile>(volume.root, vfs::flag::kRead).value();
  EXPECT_EQ(map(one, *directory, 0, 1, mm::kMapPrivate, mm::kProtRead), Errno::NoDevice);
}

TEST_F(Mapped, a_child_shares_shared_mappings_and_what_goes_goes_for_both_C4_10) {
  ASSERT_TRUE(vfs::test::write(*inode, 0, std::string(2 * 4096, 'a')));
  const auto file = open();
  ASSERT_EQ(map(one, *file, 0, 2), Errno{});
  Program child(one.space, 0);
  ASSERT_TRUE(put(child.space, at(0), 'k'));
  EXPECT_EQ(byte_at(one.space, at(0)), 'k');
  EXPECT_EQ(inode->viewer()->writable(), true);
  ASSERT_TRUE(inode->truncate(0));
  EXPECT_EQ(touch(child, 0), FaultResult::Bus);
  EXPECT_EQ(touch(one, 0), FaultResult::Bus);
  one.space.clear();
  child.space.clear();
  EXPECT_EQ(inode->viewer(), nullptr);
}

TEST_F(Mapped, shared_memory_without_a_file_goes_through_a_fork_C4_10) {
  ASSERT_TRUE(one.space.mmap({.address = at(0),
                              .length = pages(2),
                              .protection = kRw,
                              .flags = mm::kMapShared | mm::kMapAnonymous | mm::kMapFixed}));
  Program child(one.space, 0);
  ASSERT_TRUE(put(child.space, at(1), 5));
  EXPECT_EQ(byte_at(one.space, at(1)), 5);
  ASSERT_TRUE(child.space.madvise(at(1), pages(1), mm::Advice::Remove));
  EXPECT_EQ(byte_at(one.space, at(1)), 0);
  EXPECT_EQ(one.space.areas()[0].backing->areas(), 2U);
}

TEST_F(Mapped, the_zero_device_is_memory_C4_10) {
  const auto zero =
      volume.root->create("zero", {.mode = vfs::mode::kCharacter | 0666, .rdev = vfs::make_device(1, 5)});
  const auto file = make_shared<vfs::File>(zero.value(), vfs::flag::kReadWrite).value();
  ASSERT_EQ(map(one, *file, 0, 2, mm::kMapPrivate), Errno{});
  EXPECT_TRUE(put(one.space, at(1), 1));
}

}  // namespace
}  // namespace fb::libos::posix::map::test

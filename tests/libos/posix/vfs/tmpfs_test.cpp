#include "libos/posix/vfs/tmpfs.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

TEST(Tmpfs, a_sparse_file_holds_only_the_pages_that_were_written_C4_18) {
  Volume volume;
  const auto file = volume.root->create("f", regular()).value();
  EXPECT_EQ(write(*file, std::uint64_t{1} << 40, "end").value(), 3U);
  EXPECT_EQ(write(*file, 5000, "middle").value(), 6U);
  EXPECT_EQ(file->attributes().size, (std::uint64_t{1} << 40) + 3);
  EXPECT_EQ(file->attributes().pages, 2U);
  EXPECT_EQ(volume.frames.used(), 2U);
  EXPECT_EQ(read(*file, 4990, 20), std::string(10, '\0') + "middle" + std::string(4, '\0'));
  EXPECT_EQ(read(*file, std::uint64_t{1} << 40), "end");
  EXPECT_EQ(read(*file, std::uint64_t{1} << 41), "");
  EXPECT_EQ(file->find(0, false).value(), 4096U);
  EXPECT_EQ(file->find(5000, false).value(), 5000U);
  EXPECT_EQ(file->find(5000, true).value(), 8192U);
  EXPECT_EQ(file->find(8192, false).value(), std::uint64_t{1} << 40);
  EXPECT_EQ(file->find(std::uint64_t{1} << 40, true).value(), file->attributes().size);
}

TEST(Tmpfs, what_was_cut_off_reads_as_zeros_when_the_file_grows_C4_18) {
  Volume volume;
  const auto file = volume.root->create("f", regular()).value();
  ASSERT_TRUE(write(*file, 0, std::string(10'000, 'x')).has_value());
  ASSERT_TRUE(file->truncate(4100).has_value());
  EXPECT_EQ(volume.frames.used(), 2U);
  ASSERT_TRUE(file->truncate(4104).has_value());
  EXPECT_EQ(read(*file, 4098), std::string("xx\0\0\0\0", 6));
  ASSERT_TRUE(file->truncate(0).has_value());
  EXPECT_EQ(volume.frames.used(), 0U);
  EXPECT_EQ(file->truncate(~std::uint64_t{0}).error(), Errno::FileTooLarge);
}

TEST(Tmpfs, what_a_mapping_left_behind_the_end_is_zero_when_the_file_grows_C4_18) {
  Volume volume;
  const auto file = volume.root->create("f", regular()).value();
  ASSERT_TRUE(write(*file, 0, "ab").has_value());
  const auto frame = file->frame_at(core::PageCount(0)).value();
  volume.frames.bytes(frame)[2] = std::byte{'!'};
  EXPECT_EQ(volume.frames.count(frame), 1U);
  EXPECT_EQ(file->frame_at(core::PageCount(1)).error(), Errno::Fault);
  ASSERT_TRUE(write(*file, 4, "c").has_value());
  EXPECT_EQ(read(*file), std::string("ab\0\0c", 5));
}

TEST(Tmpfs, a_mapping_of_a_hole_gets_a_frame_that_the_file_has_too_C4_18) {
  Volume volume;
  const auto file = volume.root->create("f", regular()).value();
  ASSERT_TRUE(file->truncate(8192).has_value());
  const auto frame = file->frame_at(core::PageCount(1)).value();
  volume.frames.bytes(frame)[0] = std::byte{'m'};
  EXPECT_EQ(read(*file, 4096, 1), "m");
  volume.frames.share(frame);
  ASSERT_TRUE(file->truncate(0).has_value());
  EXPECT_EQ(volume.frames.used(), 1U);
  volume.frames.release(frame);
  EXPECT_EQ(volume.root->frame_at(core::PageCount(0)).error(), Errno::NoDevice);
}

TEST(Tmpfs, a_write_is_short_where_frames_end_and_then_refused_with_ENOSPC_C4_18) {
  Volume volume(2);
  const auto file = volume.root->create("f", regular()).value();
  EXPECT_EQ(write(*file, 100, std::string(10'000, 'x')).value(), 8092U);
  EXPECT_EQ(write(*file, 8192, "y").error(), Errno::NoSpace);
  EXPECT_EQ(file->attributes().size, 8192U);
  ASSERT_TRUE(file->truncate(20'000).has_value());
  EXPECT_EQ(file->frame_at(core::PageCount(2)).error(), Errno::NoSpace);
  EXPECT_EQ(write(*file, kLargestFile, "z").error(), Errno::FileTooLarge);
}

TEST(Tmpfs, its_own_limits_of_pages_and_inodes_are_ENOSPC_C4_18) {
  Volume volume(100, {.pages = 1, .inodes = 3});
  const auto file = volume.root->create("f", regular()).value();
  ASSERT_TRUE(volume.root->create("d", directory()).has_value());
  EXPECT_EQ(volume.root->create("g", regular()).error(), Errno::NoSpace);
  EXPECT_EQ(volume.root->symlink("g", "f", {}).error(), Errno::NoSpace);
  EXPECT_EQ(write(*file, 0, std::string(5000, 'x')).value(), 4096U);
  EXPECT_EQ(volume.tmpfs->usage().pages, 1U);
  EXPECT_EQ(volume.tmpfs->usage().inodes, 3U);
}

TEST(Tmpfs, a_write_whose_memory_ends_leaves_no_frame_behind_C4_18) {
  Volume volume;
  const auto file = volume.root->create("f", regular()).value();
  const std::string text(4096, 'x');
  BytesInput in(std::as_bytes(std::span(text)));
  EXPECT_EQ(file->write(0, in, 5000).value(), 4096U);
  EXPECT_EQ(file->write(4096, in, 1).error(), Errno::Fault);
  EXPECT_EQ(volume.frames.used(), 1U);
  EXPECT_EQ(file->attributes().size, 4096U);
}

TEST(Tmpfs, an_unlinked_file_lives_while_it_is_held_C4_18) {
  Volume volume;
  auto file = volume.root->create("f", regular()).value();
  ASSERT_TRUE(write(*file, 0, "kept").has_value());
  ASSERT_TRUE(volume.root->unlink("f").has_value());
  EXPECT_EQ(file->attributes().links, 0U);
  EXPECT_EQ(read(*file), "kept");
  EXPECT_EQ(volume.root->link("again", *file).error(), Errno::NoEntry);
  file.reset();
  EXPECT_EQ(volume.frames.used(), 0U);
  EXPECT_EQ(volume.tmpfs->usage().inodes, 1U);
}

TEST(Tmpfs, hard_links_are_one_file_C4_18) {
  Volume volume;
  const auto file = volume.root->create("f", regular()).value();
  const auto sub = volume.root->create("d", directory()).value();
  ASSERT_TRUE(sub->link("g", *file).has_value());
  EXPECT_EQ(file->attributes().links, 2U);
  EXPECT_EQ(sub->lookup("g").value(), file);
  EXPECT_EQ(sub->link("g", *file).error(), Errno::Exists);
  EXPECT_EQ(volume.root->link("e", *sub).error(), Errno::Perm);
  ASSERT_TRUE(volume.root->rename("f", *sub, "g", 0).has_value());
  EXPECT_TRUE(volume.root->lookup("f").has_value()) << "of two links to one file neither goes";
  Volume other(16, {}, 8);
  EXPECT_EQ(other.root->link("f", *file).error(), Errno::CrossDevice);
  EXPECT_EQ(other.root->rename("f", *sub, "g", 0).error(), Errno::CrossDevice);
}

TEST(Tmpfs, directories_count_their_directories_as_links_C4_18) {
  Volume volume;
  const auto sub = volume.root->create("d", directory()).value();
  EXPECT_EQ(volume.root->attributes().links, 3U);
  EXPECT_EQ(sub->attributes().links, 2U);
  ASSERT_TRUE(sub->create("e", directory()).has_value());
  EXPECT_EQ(volume.root->remove_directory("d").error(), Errno::NotEmpty);
  EXPECT_EQ(volume.root->unlink("d").error(), Errno::IsDirectory);
  ASSERT_TRUE(sub->rename("e", *volume.root, "e", 0).has_value());
  EXPECT_EQ(volume.root->attributes().links, 4U);
  ASSERT_TRUE(volume.root->remove_directory("d").has_value());
  EXPECT_EQ(sub->attributes().links, 0U);
  EXPECT_EQ(sub->create("x", regular()).error(), Errno::NoEntry);
  EXPECT_EQ(sub->parent().value(), volume.root);
  EXPECT_EQ(volume.root->remove_directory("d").error(), Errno::NoEntry);
}

TEST(Tmpfs, rename_over_a_directory_that_is_not_empty_is_refused_C4_18) {
  Volume volume;
  const auto a = volume.root->create("a", directory()).value();
  const auto b = volume.root->create("b", directory()).value();
  ASSERT_TRUE(b->create("x", regular()).has_value());
  ASSERT_TRUE(volume.root->create("f", regular()).has_value());
  EXPECT_EQ(volume.root->rename("a", *volume.root, "b", 0).error(), Errno::NotEmpty);
  EXPECT_EQ(volume.root->rename("f", *volume.root, "b", 0).error(), Errno::IsDirectory);
  EXPECT_EQ(volume.root->rename("a", *volume.root, "f", 0).error(), Errno::NotDirectory);
  EXPECT_EQ(volume.root->rename("f", *volume.root, "a", renaming::kNoReplace).error(), Errno::Exists);
  ASSERT_TRUE(volume.root->rename("b", *volume.root, "a", 0).has_value());
  EXPECT_EQ(volume.root->lookup("a").value(), b);
  EXPECT_EQ(a->attributes().links, 0U);
  EXPECT_EQ(volume.root->attributes().links, 3U);
}

TEST(Tmpfs, rename_into_itself_is_refused_C4_18) {
  Volume volume;
  const auto a = volume.root->create("a", directory()).value();
  const auto b = a->create("b", directory()).value();
  EXPECT_EQ(volume.root->rename("a", *b, "c", 0).error(), Errno::Invalid);
  EXPECT_EQ(volume.root->rename("a", *a, "c", 0).error(), Errno::Invalid);
  ASSERT_TRUE(b->create("f", regular()).has_value());
  EXPECT_EQ(b->rename("f", *volume.root, "a", 0).error(), Errno::NotEmpty);
  EXPECT_EQ(volume.root->rename("a", *b, "f", renaming::kExchange).error(), Errno::Invalid);
  EXPECT_TRUE(volume.root->rename("a", *volume.root, "a", 0).has_value());
}

TEST(Tmpfs, exchange_swaps_what_two_names_are_C4_18) {
  Volume volume;
  const auto a = volume.root->create("a", directory()).value();
  const auto file = a->create("f", regular()).value();
  const auto b = volume.root->create("b", directory()).value();
  ASSERT_TRUE(volume.root->rename("b", *a, "f", renaming::kExchange).has_value());
  EXPECT_EQ(volume.root->lookup("b").value(), file);
  EXPECT_EQ(a->lookup("f").value(), b);
  EXPECT_EQ(b->parent().value(), a);
  EXPECT_EQ(a->attributes().links, 3U);
  EXPECT_EQ(volume.root->attributes().links, 3U);
  EXPECT_EQ(volume.root->rename("b", *a, "none", renaming::kExchange).error(), Errno::NoEntry);
}

TEST(Tmpfs, a_listing_goes_on_where_it_was_while_entries_come_and_go_C4_18) {
  Volume volume;
  for (const char* name : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(volume.root->create(name, regular()).has_value());
  }
  const std::uint64_t second =
      volume.root->entry_after(volume.root->entry_after(0).value()->cookie).value()->cookie;
  ASSERT_TRUE(volume.root->unlink("b").has_value());
  ASSERT_TRUE(volume.root->unlink("c").has_value());
  ASSERT_TRUE(volume.root->create("Z", regular()).has_value());
  EXPECT_EQ(volume.root->entry_after(second).value()->name, "d");
  EXPECT_EQ(names(*volume.root), (std::vector<std::string>{"a", "d", "Z"}));
  EXPECT_FALSE(volume.root->entry_after(~std::uint64_t{0}).value().has_value());
}

TEST(Tmpfs, entries_of_a_setgid_directory_get_its_group_C4_18) {
  Volume volume;
  volume.root->attributes().gid = 42;
  volume.root->attributes().mode |= mode::kSetGid;
  EXPECT_EQ(volume.root->create("f", regular()).value()->attributes().gid, 42U);
  EXPECT_EQ(volume.root->create("d", directory()).value()->attributes().mode, mode::kDirectory | 02755);
}

TEST(Tmpfs, symbolic_links_say_their_target_and_files_have_none_C4_18) {
  Volume volume;
  const auto link = volume.root->symlink("l", "to/there", {.mode = 0, .uid = 5}).value();
  EXPECT_EQ(link->readlink().value(), "to/there");
  EXPECT_EQ(link->attributes().mode, mode::kSymlink | 0777);
  EXPECT_EQ(link->attributes().size, 8U);
  EXPECT_EQ(volume.root->readlink().error(), Errno::Invalid);
  EXPECT_EQ(link->lookup("x").error(), Errno::NotDirectory);
  EXPECT_EQ(volume.root->create(std::string(256, 'n'), regular()).error(), Errno::NameTooLong);
}

TEST(Tmpfs, a_deep_tree_ends_without_deep_calls_C4_18) {
  Volume volume;
  Ref<Inode> at = volume.root;
  for (int i = 0; i < 200'000; ++i) at = at->create("d", directory()).value();
  const Ref<Inode> half = volume.root->lookup("d").value();
  volume.root.reset();
  volume.tmpfs.reset();
  EXPECT_EQ(half->parent().error(), Errno::NoEntry);
  EXPECT_TRUE(at->parent().has_value());
}

TEST(Tmpfs, a_long_chain_of_removed_directories_ends_without_deep_calls_C4_18) {
  Volume volume;
  std::vector<Ref<Inode>> chain{volume.root};
  for (int i = 0; i < 200'000; ++i) chain.push_back(chain.back()->create("d", directory()).value());
  Ref<Inode> last = chain.back();
  for (std::size_t i = chain.size() - 1; i-- > 0;) ASSERT_TRUE(chain[i]->remove_directory("d").has_value());
  chain.clear();
  EXPECT_EQ(volume.tmpfs->usage().inodes, 200'001U);
  last.reset();
  EXPECT_EQ(volume.tmpfs->usage().inodes, 1U);
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test

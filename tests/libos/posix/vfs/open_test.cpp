// Files without names, and walks that must not leave where they began.
#include <gtest/gtest.h>

#include "libos/posix/vfs/operations.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

struct Opening : testing::Test {
  [[nodiscard]] Place place(const Ref<Inode>& from) const {
    return {.root = volume_.root, .directory = from, .who = {}, .mounts = mounts_};
  }
  [[nodiscard]] Place place() const { return place(volume_.root); }
  /// The inode's number, or the errno.
  Answer<std::uint64_t> walk(std::string_view path, std::uint32_t flags) {
    const Place from = Walk::restricted(place(inner_), flags);
    FB_ASSIGN(const auto found, resolve(from, path, true));
    return found->attributes().inode;
  }
  Volume volume_;
  Mounts mounts_;
  Ref<Inode> inner_ = volume_.root->create("inner", directory()).value();
  Ref<Inode> file_ = inner_->create("file", regular()).value();
};

TEST_F(Opening, a_file_without_a_name_may_get_one_C4_18) {
  const auto made = open_inode(place(), "inner", flag::kTemporary | flag::kReadWrite, 0600).value();
  EXPECT_EQ(made.inode->attributes().links, 0U);
  EXPECT_EQ(made.inode->attributes().mode, mode::kRegular | 0600);
  EXPECT_EQ(names(*inner_), std::vector<std::string>{"file"});
  ASSERT_TRUE(vfs::link(place(), made.inode, "inner/named"));
  EXPECT_EQ(made.inode->attributes().links, 1U);
  ASSERT_TRUE(vfs::unlink(place(), "inner/named"));
  EXPECT_EQ(error_of(vfs::link(place(), made.inode, "inner/again")), Errno::NoEntry) << "only once";
  const auto closed =
      open_inode(place(), "inner", flag::kTemporary | flag::kReadWrite | flag::kExclusive, 0600).value();
  EXPECT_EQ(error_of(vfs::link(place(), closed.inode, "inner/x")), Errno::NoEntry);
}

TEST_F(Opening, a_file_without_a_name_is_written_and_in_a_directory_C4_18) {
  EXPECT_EQ(error_of(open_inode(place(), "inner", flag::kTemporary, 0)), Errno::Invalid);
  EXPECT_EQ(error_of(open_inode(place(), "inner", flag::kTemporary | flag::kWrite | flag::kCreate, 0)),
            Errno::Invalid);
  EXPECT_EQ(error_of(open_inode(place(), "inner", (flag::kTemporary & ~flag::kDirectory) | flag::kWrite, 0)),
            Errno::Invalid);
  EXPECT_EQ(error_of(open_inode(place(), "inner/file", flag::kTemporary | flag::kWrite, 0)),
            Errno::NotDirectory);
  EXPECT_EQ(error_of(open_inode(place(), "none", flag::kTemporary | flag::kWrite, 0)), Errno::NoEntry);
}

TEST_F(Opening, walks_beneath_a_directory_do_not_leave_it_C4_18) {
  using namespace resolving;
  ASSERT_TRUE(make_symlink(place(), "inner/up", "../inner/file"));
  ASSERT_TRUE(make_symlink(place(), "inner/top", "/file"));
  ASSERT_TRUE(make_symlink(place(), "inner/here", "file"));
  const auto file = file_->attributes().inode;
  EXPECT_EQ(walk("file", kBeneath).value(), file);
  EXPECT_EQ(walk("here", kBeneath).value(), file);
  for (const auto* path : {"..", "../inner/file", "/inner/file", "up", "top"}) {
    EXPECT_EQ(error_of(walk(path, kBeneath)), Errno::CrossDevice) << path;
  }
  for (const auto* path : {"/file", "../file", "top", "../../file"}) {
    EXPECT_EQ(walk(path, kInRoot).value(), file) << path;
  }
  EXPECT_EQ(error_of(walk("here", kNoSymlinks)), Errno::Loop);
  EXPECT_EQ(walk("up", 0).value(), file);
}

TEST_F(Opening, walks_may_be_kept_in_one_mount_C4_18) {
  Volume other(100, {}, 9);
  ASSERT_TRUE(other.root->create("there", regular()));
  const auto point = inner_->create("mount", directory()).value();
  ASSERT_TRUE(mounts_.mount(point, other.tmpfs));
  EXPECT_TRUE(walk("mount/there", 0));
  EXPECT_EQ(error_of(walk("mount/there", resolving::kNoCrossing)), Errno::CrossDevice);
  EXPECT_EQ(error_of(walk("mount", resolving::kNoCrossing)), Errno::CrossDevice);
  EXPECT_TRUE(walk("file", resolving::kNoCrossing));
  ASSERT_TRUE(mounts_.unmount(*other.root));
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test

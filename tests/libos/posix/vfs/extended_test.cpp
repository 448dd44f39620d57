#include "libos/posix/vfs/extended.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/xattr.h>

#include <set>

#include "tests/libos/posix/vfs/host.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

constexpr core::Nanoseconds kNow{77};

Vector<std::byte> bytes_of(std::string_view text) {
  Vector<std::byte> bytes;
  for (const char c : text) EXPECT_TRUE(bytes.push_back(static_cast<std::byte>(c)));
  return bytes;
}
std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::set<std::string> split(std::string_view names) {
  std::set<std::string> found;
  while (!names.empty()) {
    found.emplace(names.data());
    names.remove_prefix(std::string_view(names.data()).size() + 1);
  }
  return found;
}

/// As root on both sides; else the host refuses what ours gives.
RC_GTEST_PROP(ExtendedOracle, attributes_are_what_the_hosts_are_C4_18, ()) {
  const HostDirectory directory;
  if (!directory.there() || geteuid() != 0) return;
  const auto path = directory / "file";
  const HostFile made(path, O_RDWR | O_CREAT);
  if (setxattr(path.c_str(), "user.try", "", 0, 0) != 0) return;
  removexattr(path.c_str(), "user.try");
  Volume volume;
  const auto inode = volume.root->create("file", regular()).value();
  const auto steps = *rc::gen::inRange(0, 30);
  for (int i = 0; i < steps; ++i) {
    const auto name = *rc::gen::elementOf(std::vector<std::string>{
        "user.a", "user.b", "trusted.a", "security.c", "user.", "user", "system.x", "other.a", "trusted."});
    const auto value = *rc::gen::container<std::string>(rc::gen::inRange('a', 'z'));
    switch (*rc::gen::inRange(0, 4)) {
      case 0: {
        const auto flags = *rc::gen::inRange(0, 4);
        const auto ours =
            set_extended(*inode, {}, name, bytes_of(value), static_cast<std::uint32_t>(flags), kNow);
        RC_ASSERT(error_of(ours) ==
                  host_error(setxattr(path.c_str(), name.c_str(), value.data(), value.size(), flags)));
        break;
      }
      case 1: {
        const auto ours = get_extended(*inode, {}, name);
        std::string theirs(256, '?');
        const auto size = getxattr(path.c_str(), name.c_str(), theirs.data(), theirs.size());
        RC_ASSERT(error_of(ours) == host_error(size));
        if (ours) RC_ASSERT(text_of(*ours) == theirs.substr(0, static_cast<std::size_t>(size)));
        break;
      }
      case 2:
        RC_ASSERT(error_of(remove_extended(*inode, {}, name, kNow)) ==
                  host_error(removexattr(path.c_str(), name.c_str())));
        break;
      default: {
        const auto ours = list_extended(*inode, {}).value();
        std::string theirs(4096, '?');
        theirs.resize(static_cast<std::size_t>(listxattr(path.c_str(), theirs.data(), theirs.size())));
        RC_ASSERT(split({ours.begin(), ours.size()}) == split(theirs));
      }
    }
  }
}

TEST(Extended, attributes_of_the_user_are_for_files_and_directories_of_who_may_C4_18) {
  Volume volume;
  const std::uint32_t owner = 5;
  const auto file = volume.root->create("file", {.mode = mode::kRegular | 0640, .uid = owner}).value();
  const auto sticky = volume.root->create("sticky", {.mode = mode::kDirectory | 01777, .uid = owner}).value();
  const auto fifo = volume.root->create("fifo", {.mode = mode::kFifo | 0666}).value();
  const Credentials stranger{.uid = 6, .gid = 6, .groups = {}}, its{.uid = owner, .gid = 6, .groups = {}};
  EXPECT_EQ(error_of(set_extended(*file, stranger, "user.a", {}, 0, kNow)), Errno::Access);
  EXPECT_EQ(error_of(get_extended(*file, stranger, "user.a")), Errno::Access);
  EXPECT_TRUE(set_extended(*file, its, "user.a", {}, 0, kNow));
  EXPECT_EQ(file->attributes().changed, kNow);
  EXPECT_EQ(error_of(set_extended(*fifo, {}, "user.a", {}, 0, kNow)), Errno::Perm);
  EXPECT_EQ(error_of(get_extended(*fifo, {}, "user.a")), Errno::NoData);
  EXPECT_EQ(error_of(set_extended(*sticky, stranger, "user.a", {}, 0, kNow)), Errno::Perm);
  EXPECT_TRUE(set_extended(*file, {}, "trusted.a", {}, 0, kNow));
  EXPECT_EQ(error_of(get_extended(*file, its, "trusted.a")), Errno::NoData);
  EXPECT_EQ(error_of(set_extended(*file, its, "trusted.a", {}, 0, kNow)), Errno::Perm);
  EXPECT_EQ(list_extended(*file, its).value().size(), 7U);
  EXPECT_EQ(list_extended(*file, {}).value().size(), 17U);
}

TEST(Extended, attributes_are_bounded_C4_18) {
  Volume volume;
  const auto file = volume.root->create("file", regular()).value();
  const std::string big(ExtendedAttributes::kValueMost, 'x');
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(set_extended(*file, {}, "user." + std::to_string(i), bytes_of(big), 0, kNow));
  EXPECT_EQ(error_of(set_extended(*file, {}, "user.more", bytes_of(big), 0, kNow)), Errno::NoSpace);
  EXPECT_TRUE(set_extended(*file, {}, "user.1", {}, 0, kNow));
  EXPECT_TRUE(set_extended(*file, {}, "user.more", bytes_of(big), 0, kNow));
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test

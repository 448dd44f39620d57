#include "libos/posix/vfs/times.hpp"

#include <gtest/gtest.h>

#include "libos/posix/vfs/file.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

constexpr core::Nanoseconds kNow{5'000'000'123};
constexpr Timespec kOmit{0, kTimeOmit}, kToNow{0, kTimeNow};

struct Times : testing::Test {
  Volume volume_;
  Ref<Inode> file_ =
      volume_.root->create("file", {.mode = mode::kRegular | 0660, .uid = 5, .gid = 5}).value();
  Errno set(const Credentials& who, Timespec accessed, Timespec modified) {
    return error_of(set_times(*file_, who, {accessed, modified}, kNow));
  }
};

TEST_F(Times, are_set_left_and_taken_from_the_clock_C4_03) {
  const auto before = file_->attributes();
  EXPECT_EQ(set({}, {7, 8}, kOmit), Errno{});
  EXPECT_EQ(file_->attributes().accessed, core::Nanoseconds(7'000'000'008));
  EXPECT_EQ(file_->attributes().modified, before.modified);
  EXPECT_EQ(file_->attributes().changed, kNow);
  EXPECT_EQ(set({}, kOmit, kToNow), Errno{});
  EXPECT_EQ(file_->attributes().modified, kNow);
  EXPECT_EQ(set({}, {0, -1}, kOmit), Errno::Invalid);
  EXPECT_EQ(set({}, kOmit, {0, 1'000'000'000}), Errno::Invalid);
  EXPECT_EQ(set({}, {-5, 3}, {0x7fff'ffff'ffff'ffff, 0}), Errno{})
      << "what cannot be kept is the nearest that can";
  EXPECT_EQ(file_->attributes().accessed, core::Nanoseconds(0));
  EXPECT_GT(file_->attributes().modified, kNow);
}

TEST_F(Times, who_may_write_may_set_both_to_now_and_nothing_else_C4_03) {
  const std::uint32_t group = 5;
  const Credentials writer{.uid = 6, .gid = group, .groups = {}}, stranger{.uid = 6, .gid = 6, .groups = {}};
  EXPECT_EQ(set(writer, kToNow, kToNow), Errno{});
  EXPECT_EQ(set(writer, {1, 1}, kToNow), Errno::Perm);
  EXPECT_EQ(set(writer, kOmit, kToNow), Errno::Perm);
  EXPECT_EQ(set(stranger, kToNow, kToNow), Errno::Access);
  EXPECT_EQ(set({.uid = 5, .gid = 9, .groups = {}}, {1, 1}, {2, 2}), Errno{});
}

TEST_F(Times, are_in_statx_with_that_of_birth_C4_03) {
  const auto& its = file_->attributes();
  const auto told = extended_stat(stat_of(its), its.created, true);
  EXPECT_EQ(told.mask, 0xfffU);
  EXPECT_EQ(told.attributes, ExtendedStat::kMountRoot);
  EXPECT_EQ(told.created.seconds, 1);
  EXPECT_EQ(told.mode, its.mode);
  EXPECT_EQ(told.device_minor, 7U);
  Attributes device = its;
  device.rdev = make_device(0x123, 0x45678);
  EXPECT_EQ(extended_stat(stat_of(device), {}, false).rdev_major, 0x123U);
  EXPECT_EQ(extended_stat(stat_of(device), {}, false).rdev_minor, 0x45678U);
  EXPECT_EQ(extended_stat(stat_of(device), {}, false).mask, 0x7ffU);
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test

// What utimensat and its elders change, and what statx tells (Linux utimensat(2), statx(2)).
#pragma once

#include <array>

#include "libos/posix/vfs/access.hpp"

namespace fb::libos::posix::vfs {

inline constexpr std::int64_t kTimeNow = 0x3fff'ffff, kTimeOmit = 0x3fff'fffe;  ///< as nanoseconds

/// The times of last access and modification; kTimeNow and kTimeOmit may stand for nanoseconds. Errors: Invalid; Access to set
/// both to now, Perm to set anything else.
Answer<> set_times(Inode& inode, const Credentials& who, const std::array<Timespec, 2>& times,
                   core::Nanoseconds now);
inline constexpr std::array<Timespec, 2> kBothNow{Timespec{0, kTimeNow}, Timespec{0, kTimeNow}};

/// struct statx_timestamp and struct statx.
struct StatTime {
  std::int64_t seconds;
  std::uint32_t nanoseconds, padding;
};
struct ExtendedStat {
  static constexpr std::uint32_t kBasic = 0x7ff, kBirth = 0x800;
  static constexpr std::uint64_t kMountRoot = 0x2000;
  std::uint32_t mask, block_size;
  std::uint64_t attributes;
  std::uint32_t links, uid, gid;
  std::uint16_t mode, padding;
  std::uint64_t inode, size, blocks, attributes_mask;
  StatTime accessed, created, changed, modified;
  std::uint32_t rdev_major, rdev_minor, device_major, device_minor;
  std::uint64_t mount, reserved[13];
};
static_assert(sizeof(ExtendedStat) == 256 && offsetof(ExtendedStat, accessed) == 64);
/// `created` is 0 when nobody knows.
[[nodiscard]] ExtendedStat extended_stat(const Stat& from, core::Nanoseconds created, bool mount_root);

}  // namespace fb::libos::posix::vfs

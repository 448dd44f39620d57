#include "libos/posix/vfs/times.hpp"

#include <algorithm>

namespace fb::libos::posix::vfs {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// Times here begin with 1970 and end when 64 bits of nanoseconds do.
core::Nanoseconds nanoseconds_of(const Timespec& time) {
  constexpr auto kLast = static_cast<std::int64_t>(~std::uint64_t{0} / kSecond) - 1;
  const auto seconds = static_cast<std::uint64_t>(std::clamp<std::int64_t>(time.seconds, 0, kLast));
  if (time.seconds < 0) return {};
  return core::Nanoseconds(seconds * kSecond + static_cast<std::uint64_t>(time.nanoseconds));
}

StatTime stat_time(const Timespec& time) {
  return {.seconds = time.seconds, .nanoseconds = static_cast<std::uint32_t>(time.nanoseconds), .padding = 0};
}

constexpr std::uint32_t major_of(std::uint64_t device) {
  return static_cast<std::uint32_t>((device >> 8 & 0xfff) | (device >> 32 & 0xffff'f000));
}
constexpr std::uint32_t minor_of(std::uint64_t device) {
  return static_cast<std::uint32_t>((device & 0xff) | (device >> 12 & 0xffff'ff00));
}

}  // namespace

Answer<> set_times(Inode& inode, const Credentials& who, const std::array<Timespec, 2>& times,
                   core::Nanoseconds now) {
  const auto special = [](const Timespec& time) {
    return time.nanoseconds == kTimeNow || time.nanoseconds == kTimeOmit;
  };
  for (const Timespec& time : times) {
    if (!special(time) && (time.nanoseconds < 0 || time.nanoseconds >= kSecond)) return fail(Errno::Invalid);
  }
  Attributes& its = inode.attributes();
  const bool owner = who.root() || who.uid == its.uid;
  const bool touch = times[0].nanoseconds == kTimeNow && times[1].nanoseconds == kTimeNow;
  if (!owner && !touch) return fail(Errno::Perm);
  if (!owner) FB_TRY(check_access(its, who, Want::Write));
  const auto apply = [&](core::Nanoseconds& to, const Timespec& time) {
    if (time.nanoseconds == kTimeOmit) return;
    to = time.nanoseconds == kTimeNow ? now : nanoseconds_of(time);
  };
  apply(its.accessed, times[0]);
  apply(its.modified, times[1]);
  its.changed = now;
  return {};
}

ExtendedStat extended_stat(const Stat& from, core::Nanoseconds created, bool mount_root) {
  const bool birth = created != core::Nanoseconds(0);
  const Timespec born{.seconds = static_cast<std::int64_t>(created.raw() / kSecond),
                      .nanoseconds = static_cast<std::int64_t>(created.raw() % kSecond)};
  return {.mask = ExtendedStat::kBasic | (birth ? ExtendedStat::kBirth : 0),
          .block_size = static_cast<std::uint32_t>(from.block_size),
          .attributes = mount_root ? ExtendedStat::kMountRoot : 0,
          .links = static_cast<std::uint32_t>(from.links),
          .uid = from.uid,
          .gid = from.gid,
          .mode = static_cast<std::uint16_t>(from.mode),
          .padding = 0,
          .inode = from.inode,
          .size = static_cast<std::uint64_t>(from.size),
          .blocks = static_cast<std::uint64_t>(from.blocks),
          .attributes_mask = ExtendedStat::kMountRoot,
          .accessed = stat_time(from.accessed),
          .created = stat_time(born),
          .changed = stat_time(from.changed),
          .modified = stat_time(from.modified),
          .rdev_major = major_of(from.rdev),
          .rdev_minor = minor_of(from.rdev),
          .device_major = major_of(from.device),
          .device_minor = minor_of(from.device),
          .mount = 0,
          .reserved = {}};
}

}  // namespace fb::libos::posix::vfs

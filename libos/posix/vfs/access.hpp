// Who may do what to a file: Linux's generic permissions, for root and for others.
#pragma once

#include <algorithm>
#include <span>

#include "libos/posix/vfs/inode.hpp"

namespace fb::libos::posix::vfs {

/// Whose call it is: the ids for file systems. `groups` is the caller's.
struct Credentials {
  std::uint32_t uid{}, gid{};
  std::span<const std::uint32_t> groups;

  [[nodiscard]] bool root() const { return uid == 0; }
  [[nodiscard]] bool member_of(std::uint32_t group) const {
    return gid == group || std::ranges::find(groups, group) != groups.end();
  }
};

enum class Want : std::uint8_t { Execute = 1, Write = 2, Read = 4 };
constexpr Want operator|(Want a, Want b) {
  return static_cast<Want>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

/// Root reads and writes everything, searches every directory, and runs what anybody may run. Errors: Access.
inline Answer<> check_access(const Attributes& file, const Credentials& who, Want want) {
  const auto wanted = static_cast<std::uint32_t>(want);
  const bool directory = (file.mode & mode::kType) == mode::kDirectory;
  if (who.root()) {
    const bool runs = (wanted & static_cast<unsigned>(Want::Execute)) != 0 && !directory;
    if (runs && (file.mode & mode::kAnyExecute) == 0) return fail(Errno::Access);
    return {};
  }
  const unsigned shift = who.uid == file.uid ? 6 : who.member_of(file.gid) ? 3 : 0;
  if ((wanted & ~(file.mode >> shift)) != 0) return fail(Errno::Access);
  return {};
}

/// An entry may come into `directory`. Errors: NoEntry when that has been removed, Access.
inline Answer<> check_create(const Inode& directory, const Credentials& who) {
  if (directory.attributes().links == 0) return fail(Errno::NoEntry);
  return check_access(directory.attributes(), who, Want::Write | Want::Execute);
}

/// `victim` may leave `directory`. Errors: Access, Perm by the sticky bit.
inline Answer<> check_remove(const Inode& directory, const Inode& victim, const Credentials& who) {
  FB_TRY(check_access(directory.attributes(), who, Want::Write | Want::Execute));
  const Attributes& at = directory.attributes();
  const bool owns = who.root() || who.uid == at.uid || who.uid == victim.attributes().uid;
  if ((at.mode & mode::kSticky) != 0 && !owns) return fail(Errno::Perm);
  return {};
}

/// What changing a file's contents takes from it, unless root does it. The LibOS calls it where a write succeeded.
inline void strip_set_ids(Inode& file, const Credentials& who) {
  if (who.root() || !file.is(mode::kRegular)) return;
  std::uint32_t& its = file.attributes().mode;
  its &= ~mode::kSetUid;
  if ((its & mode::kGroupExecute) != 0) its &= ~mode::kSetGid;
}

/// How a new file in `directory` begins. Nobody makes a set-gid program of a group that is not theirs (CVE-2018-13405).
inline NewInode begin_in(const Inode& directory, const Credentials& who, std::uint32_t mode) {
  const Attributes& at = directory.attributes();
  constexpr std::uint32_t kRunsAsGroup = mode::kSetGid | mode::kGroupExecute;
  const bool inherits = (at.mode & mode::kSetGid) != 0 && (mode & mode::kType) != mode::kDirectory;
  if (inherits && (mode & kRunsAsGroup) == kRunsAsGroup && !who.root() && !who.member_of(at.gid)) {
    mode &= ~mode::kSetGid;
  }
  return {.mode = mode, .uid = who.uid, .gid = who.gid};
}

}  // namespace fb::libos::posix::vfs

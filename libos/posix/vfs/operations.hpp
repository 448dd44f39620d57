// What calls do to names: walk, check who may, change. Modes come with the umask applied.
#pragma once

#include "libos/posix/vfs/path.hpp"

namespace fb::libos::posix::vfs {

struct Opened {
  Ref<Inode> inode;
  bool created;
  Ref<Origin> origin{};  ///< of what is no directory
  bool truncated = false;
};

/// What open does before there is a file: O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_PATH and permissions; and O_TRUNC.
/// Errors: of a walk; Exists, IsDirectory, Invalid, NoSpace, NoDeviceOrAddress for a socket.
Answer<Opened> open_inode(const Place& place, std::string_view path, std::uint32_t flags,
                          std::uint32_t permissions);

/// mkdir, and mknod of anything that `mode` says. Errors: of a walk; Exists, NoSpace, Perm for devices when not root.
Answer<Ref<Inode>> make_node(const Place& place, std::string_view path, std::uint32_t mode,
                             std::uint64_t rdev = 0);
Answer<> make_symlink(const Place& place, std::string_view path, std::string_view target);
/// Errors: of a walk; Exists, CrossDevice, Perm for directories.
Answer<> link(const Place& from, const Ref<Inode>& target, std::string_view path);
/// Errors: of a walk; IsDirectory, Perm by a sticky directory.
Answer<> unlink(const Place& place, std::string_view path);
/// Errors: of a walk; NotEmpty, Invalid for ".", Busy for roots and mount points.
Answer<> remove_directory(const Place& place, std::string_view path);
/// Errors: of two walks; those of Inode::rename; Busy, Invalid for flags.
Answer<> rename(const Place& from, std::string_view from_path, const Place& to, std::string_view to_path,
                std::uint32_t flags);

/// chmod, chown (~0 leaves an id) and truncate of what is already found. Errors: Perm, Access.
Answer<> change_mode(Inode& inode, const Credentials& who, std::uint32_t permissions, core::Nanoseconds now);
Answer<> change_owner(Inode& inode, const Credentials& who, std::uint32_t uid, std::uint32_t gid,
                      core::Nanoseconds now);
Answer<> truncate(Inode& inode, const Credentials& who, std::uint64_t size);

}  // namespace fb::libos::posix::vfs

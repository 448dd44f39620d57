// Which directories are covered by the root of another file system.
#pragma once

#include "libos/posix/vfs/inode.hpp"

namespace fb::libos::posix::vfs {

/// Not for concurrent use.
class Mounts {
 public:
  /// `point` is a directory and not the root of what is mounted there; a file system is mounted in one place only. Errors: NotDirectory,
  /// Busy, NoMemory.
  Answer<> mount(const Ref<Inode>& point, const Ref<FileSystem>& system);
  /// What was mounted with this root. Errors: Invalid when it is none, Busy while something is mounted in it.
  Answer<Ref<FileSystem>> unmount(const Inode& root);
  /// The root that covers this directory, through all layers; itself when it is not covered.
  [[nodiscard]] Ref<Inode> top(Ref<Inode> directory) const;
  /// The directory that this root covers; none when it is no root of a mount.
  [[nodiscard]] Ref<Inode> below(const Inode& root) const;
  /// Something is mounted there, or it is the root of a mount.
  [[nodiscard]] bool involves(const Inode& directory) const;

 private:
  struct Mount {
    Ref<Inode> point;
    Ref<Inode> root;
    Ref<FileSystem> system;
  };
  Vector<Mount> mounts_;
};

}  // namespace fb::libos::posix::vfs

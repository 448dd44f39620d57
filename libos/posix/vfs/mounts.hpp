// Which directories are covered by the root of another file system.
#pragma once

#include "libos/posix/vfs/file_system.hpp"
#include "libos/posix/vfs/string.hpp"

namespace fb::libos::posix::vfs {

/// What /proc/mounts says of a mount besides where and what; flags as mount(2) has them.
namespace mounting {
inline constexpr std::uint64_t kReadOnly = 1, kNoSetId = 2, kNoDevices = 4, kNoExecute = 8, kRemount = 32,
                               kNoAccessTime = 1024, kBind = 4096, kMove = 8192,
                               kRelativeAccessTime = 1 << 21;
/// What is kept and shown. It says nothing of what is allowed: that is not enforced here.
inline constexpr std::uint64_t kShown =
    kNoSetId | kNoDevices | kNoExecute | kNoAccessTime | kRelativeAccessTime;
}  // namespace mounting

struct MountLabel {
  String source{};
  std::uint64_t flags = 0;
};

/// Not for concurrent use.
class Mounts {
 public:
  static constexpr std::size_t kMost = 256;
  struct Mount {
    Ref<Inode> point;  ///< none at the top of all
    Ref<Inode> root;
    Ref<FileSystem> system;
    MountLabel label;
    std::uint32_t number;  ///< of the mount, never another's
  };

  /// What is at the top of all, and covered by nothing of this. Once, before anything else that wants to know of it.
  /// Errors: NoMemory.
  Answer<> set_root(const Ref<FileSystem>& system, MountLabel label = {});
  /// `point` is a directory and not the root of what is mounted there; a file system is mounted in one place only. Errors: NotDirectory,
  /// Busy, NoMemory, NoSpace when there are too many.
  Answer<> mount(const Ref<Inode>& point, const Ref<FileSystem>& system, MountLabel label = {});
  /// What was mounted with this root. Errors: Invalid when it is none, Busy while something is mounted in it.
  Answer<Ref<FileSystem>> unmount(const Inode& root);
  /// The root that covers this directory, through all layers; itself when it is not covered.
  [[nodiscard]] Ref<Inode> top(Ref<Inode> directory) const;
  /// The directory that this root covers; none when it is no root of a mount.
  [[nodiscard]] Ref<Inode> below(const Inode& root) const;
  /// Something is mounted there, or it is the root of a mount.
  [[nodiscard]] bool involves(const Inode& directory) const;
  /// The mount whose file system holds `inode`; null for pipes and the like.
  [[nodiscard]] const Mount* holder(const Inode& inode) const;
  /// The oldest first.
  [[nodiscard]] std::span<const Mount> view() const { return mounts_.view(); }

 private:
  [[nodiscard]] static std::uint64_t bit_of(const Inode& point) {
    const Attributes& its = point.attributes();
    return std::uint64_t{1} << ((its.inode ^ its.device) * 0x9e37'79b9'7f4a'7c15 >> 58);
  }

  Vector<Mount> mounts_;
  std::uint64_t points_ = 0;  ///< the bits of all points; and of others, once one was unmounted
  std::uint32_t last_ = 0;
};

}  // namespace fb::libos::posix::vfs

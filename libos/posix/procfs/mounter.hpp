// What mount(2) and umount2(2) do, and what an instance begins with below its root.
#pragma once

#include "libos/posix/procfs/file_system.hpp"
#include "libos/posix/vfs/path.hpp"

namespace fb::libos::posix::procfs {

/// The kinds of file systems that an instance has: tmpfs, proc, sysfs; and which devices they are. Outlived by everything it
/// gets.
class Mounter {
 public:
  struct Parts {
    Frames& frames;
    vfs::Clock& clock;
    vfs::Mounts& mounts;
    Information& information;
    vfs::RandomSource& random;
  };
  /// Devices are numbered from `first_device` on.
  Mounter(const Parts& parts, std::uint64_t first_device);
  Mounter(const Mounter&) = delete;
  Mounter& operator=(const Mounter&) = delete;

  struct Request {
    std::string_view source{}, target{}, type{}, data{};
    std::uint64_t flags = 0;
  };
  /// tmpfs has half of the memory, and takes size=, nr_inodes=, mode=, uid= and gid=; what it does not know, it does not mind. A read-only mount, a bound
  /// one and one that is changed or moved are not to be had. Errors: Perm, Invalid, NoDevice for other types; of a walk;
  /// NotDirectory, Busy, NoSpace, NoMemory.
  Answer<> mount(const vfs::Place& place, const Request& request);
  /// Errors: Perm, Invalid when it is no mount or flags are unknown, Busy; of a walk.
  Answer<> unmount(const vfs::Place& place, std::string_view target, std::uint32_t flags);

  /// proc at /proc, sysfs at /sys, tmpfs at /dev, /dev/shm, /tmp and /run; their directories are made where they are missing,
  /// and /dev is populated.
  Answer<> mount_all(const vfs::Place& place);

 private:
  Answer<Ref<vfs::FileSystem>> make(const Request& request);
  Answer<Ref<vfs::FileSystem>> make_tmpfs(std::string_view data);

  Parts parts_;
  Context context_;
  std::uint64_t next_device_;
};

/// null, zero, full, random, urandom, tty, console, ptmx; pts and shm; fd, stdin, stdout and stderr as links into /proc. `place`
/// begins in the directory that is to be /dev. What is there stays. Errors: of making them.
Answer<> populate_dev(const vfs::Place& place);

}  // namespace fb::libos::posix::procfs

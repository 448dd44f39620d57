#include "libos/posix/vfs/open.hpp"

namespace fb::libos::posix::vfs {

Answer<Ref<File>> open_file(const Ref<Inode>& inode, std::uint32_t flags, Devices& devices, Frames& frames,
                            Waiter& waiter) {
  if ((flags & flag::kPath) != 0) return make_shared<File>(inode, flags);
  switch (inode->attributes().mode & mode::kType) {
    case mode::kRegular:
      return make_shared<RegularFile>(inode, flags);
    case mode::kDirectory:
      return make_shared<DirectoryFile>(inode, flags);
    case mode::kCharacter:
      return devices.open(inode, flags);
    case mode::kFifo:
      return open_fifo(frames, inode, flags, waiter);
    default:
      return fail(Errno::NoDeviceOrAddress);
  }
}

}  // namespace fb::libos::posix::vfs

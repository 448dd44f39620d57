#include "libos/posix/vfs/open.hpp"

namespace fb::libos::posix::vfs {

Answer<Ref<File>> open_file(const Ref<Inode>& inode, std::uint32_t flags, Devices& devices, Frames& frames,
                            Waiter& waiter) {
  if ((flags & flag::kPath) != 0) return make_shared<File>(inode, flags);
  FB_ASSIGN(File* const its_own, inode->open(flags));
  if (its_own != nullptr) return Ref<File>(*its_own);
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

Answer<Ref<File>> open_file(const Opened& opened, std::uint32_t flags, Devices& devices, Frames& frames,
                            Waiter& waiter) {
  FB_ASSIGN(const auto file, open_file(opened.inode, flags, devices, frames, waiter));
  file->set_origin(opened.origin);
  return file;
}

}  // namespace fb::libos::posix::vfs

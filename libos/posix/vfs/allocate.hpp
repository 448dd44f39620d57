// fallocate on an open file: what it asks for, checked (Linux fallocate(2)).
#pragma once

#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::vfs {

/// Errors: Invalid, NotSupported, BadDescriptor, IllegalSeek, IsDirectory, NoDevice, FileTooLarge, those of Inode::allocate.
inline Answer<> allocate(File& file, std::uint32_t how, std::int64_t offset, std::int64_t length) {
  using namespace allocation;
  if (file.path_only()) return fail(Errno::BadDescriptor);
  if (offset < 0 || length <= 0) return fail(Errno::Invalid);
  const std::uint32_t kind = how & ~kKeepSize;
  if (kind != 0 && kind != kPunchHole && kind != kZeroRange) return fail(Errno::NotSupported);
  if (kind == kPunchHole && (how & kKeepSize) == 0) return fail(Errno::NotSupported);
  if (!file.writable()) return fail(Errno::BadDescriptor);
  const Ref<Inode>& inode = file.inode();
  if (!inode) return fail(Errno::NoDevice);
  if (inode->is(mode::kFifo)) return fail(Errno::IllegalSeek);
  if (inode->is_directory()) return fail(Errno::IsDirectory);
  if (!inode->is(mode::kRegular)) return fail(Errno::NoDevice);
  std::int64_t end = 0;
  if (__builtin_add_overflow(offset, length, &end)) return fail(Errno::FileTooLarge);
  return inode->allocate(how, static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length));
}

}  // namespace fb::libos::posix::vfs

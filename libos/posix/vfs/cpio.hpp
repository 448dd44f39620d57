// File systems from newc archives: initramfs, root images.
#pragma once

#include <span>

#include "libos/posix/vfs/tmpfs.hpp"

namespace fb::libos::posix::vfs {

/// A new file system with what the archive has: directories, files, links, FIFOs and devices, their owners, modes and times.
/// Nothing of it is left when the archive is refused: Invalid for a bad format, a name with "..", an unknown type; Exists for
/// a name that comes twice (a directory may, and an entry "." is the root); NoEntry, NotDirectory where a parent is missing
/// or is none (links are not followed); NameTooLong; NoSpace, NoMemory.
Answer<Ref<Tmpfs>> tmpfs_from_cpio(Frames& frames, Clock& clock, std::uint64_t device,
                                   std::span<const std::byte> archive, const Tmpfs::Limits& limits);

}  // namespace fb::libos::posix::vfs

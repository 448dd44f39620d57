// File systems from newc archives: initramfs, root images.
#pragma once

#include <span>

#include "libos/posix/vfs/path.hpp"
#include "libos/posix/vfs/tmpfs.hpp"

namespace fb::libos::posix::vfs {

/// A new file system with what the archive has: directories, files, links, FIFOs and devices, their owners, modes and times.
/// Nothing of it is left when the archive is refused: Invalid for a bad format, a name with "..", an unknown type; Exists for
/// a name that comes twice (a directory may, and an entry "." is the root); NoEntry, NotDirectory where a parent is missing
/// or is none (links are not followed); NameTooLong; NoSpace, NoMemory. `fault`, where wanted, becomes the
/// name of the entry that an error is about: a view into the archive, empty when it is about all of it.
Answer<Ref<Tmpfs>> tmpfs_from_cpio(Frames& frames, Clock& clock, std::uint64_t device,
                                   std::span<const std::byte> archive, const Tmpfs::Limits& limits,
                                   std::string_view* fault = nullptr);

/// Puts what the archive has over the files of `place`, in its root: links to directories are followed, directories that are
/// missing are made, those that are there stay as they are, and anything else that is in the way is replaced. What was put
/// stays when the archive is refused in the middle. Errors: Invalid as above; those of a walk; IsDirectory for a directory in
/// the way of something else; NoSpace, NoMemory. `fault` as above.
Answer<> overlay_cpio(const Place& place, std::span<const std::byte> archive,
                      std::string_view* fault = nullptr);

}  // namespace fb::libos::posix::vfs

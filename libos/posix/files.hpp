// What an instance's file system holds when its first program starts.
#pragma once

#include "libos/posix/vfs/path.hpp"
#include "libos/posix/vfs/tmpfs.hpp"
#include "libos/rt/boot_archive.hpp"

namespace fb::libos::posix {

/// The files of posix-root.cpio in the boot archive, or none, and the archive's bin/ in /bin. Errors: those of tmpfs_from_cpio.
Answer<Ref<vfs::Tmpfs>> root_files(Frames& frames, vfs::Clock& clock, const vfs::Mounts& mounts,
                                   const rt::BootArchive& archive);
/// posix-add.cpio over all that is mounted. Errors: those of overlay_cpio.
Answer<> add_files(const vfs::Place& place, const rt::BootArchive& archive);

}  // namespace fb::libos::posix

// What an instance's file system holds when its first program starts.
#pragma once

#include "libos/posix/vfs/mounts.hpp"
#include "libos/posix/vfs/tmpfs.hpp"
#include "libos/rt/boot_archive.hpp"

namespace fb::libos::posix {

/// The files of posix-root.cpio in the boot archive, or none; the devices; the archive's bin/ in /bin; and posix-add.cpio over
/// it all. Errors: those of tmpfs_from_cpio and overlay_cpio.
Answer<Ref<vfs::Tmpfs>> root_files(Frames& frames, vfs::Clock& clock, const vfs::Mounts& mounts,
                                   const rt::BootArchive& archive);

}  // namespace fb::libos::posix

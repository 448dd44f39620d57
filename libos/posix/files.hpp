// What an instance's file system holds when its first program starts.
#pragma once

#include "libos/posix/vfs/path.hpp"
#include "libos/posix/vfs/tmpfs.hpp"
#include "libos/rt/boot_archive.hpp"

namespace fb::libos::posix {

/// What an error is about: views into the boot archive or the instance's start page.
struct FileFault {
  std::string_view archive;
  std::string_view entry;  ///< of it; empty: all of it
};

struct FilesFrom {
  Frames& frames;
  vfs::Clock& clock;
  const vfs::Mounts& mounts;
  const rt::BootArchive& archive;
  FileFault& fault;
};

/// The files of the archives that `names` has, with commas between, each over those before it; they are files of the boot archive.
/// Without names: those of posix-root.cpio, if it is there, and the boot archive's bin/ in /bin. Errors: NoEntry for a name; those
/// of tmpfs_from_cpio and overlay_cpio.
Answer<Ref<vfs::Tmpfs>> root_files(const FilesFrom& from, std::string_view names);
/// posix-add.cpio over all that is mounted. Errors: those of overlay_cpio.
Answer<> add_files(const vfs::Place& place, const rt::BootArchive& archive, FileFault& fault);

}  // namespace fb::libos::posix

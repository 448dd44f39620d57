// Files that no path leads to, and what may be sealed of them: memfd_create, fcntl F_ADD_SEALS (C4.11).
#pragma once

#include "libos/posix/vfs/file.hpp"
#include "libos/posix/vfs/tmpfs.hpp"

namespace fb::libos::posix::vfs {

namespace memory_file {
inline constexpr std::uint32_t kCloseOnExec = 1, kAllowSealing = 2, kHugeTlb = 4, kNoExecuteSeal = 8,
                               kExecute = 16;
inline constexpr std::size_t kNameMost = 249;
}  // namespace memory_file

/// The file system that they are in, once there is one.
class MemoryFiles {
 public:
  /// Of st_dev; no other file system has it.
  static constexpr std::uint64_t kDevice = 0xfffff;
  /// memfd_create: open to read and write. `flags` are those of memory_file. Errors: Invalid, NoMemory, NoSpace.
  Answer<Ref<File>> make(Frames& frames, Clock& clock, const NewInode& owner, std::uint32_t flags);

 private:
  Ref<Tmpfs> files_;
};

/// Errors: Perm when the file was not opened to be written or is sealed against it, Busy when a writable mapping forbids
/// kWrite, Invalid.
Answer<> add_seals(const File& file, std::uint32_t seals);
/// Errors: Invalid.
Answer<std::uint32_t> get_seals(const File& file);

}  // namespace fb::libos::posix::vfs

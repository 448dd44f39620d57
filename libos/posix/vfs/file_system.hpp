// File systems: a tree of inodes each, and what statfs says of it.
#pragma once

#include <string_view>

#include "libos/posix/vfs/inode.hpp"

namespace fb::libos::posix::vfs {

/// What statfs has in f_type (uapi linux/magic.h).
namespace magic {
inline constexpr std::uint64_t kTmpfs = 0x0102'1994, kProc = 0x9fa0, kSysfs = 0x6265'6572,
                               kPipes = 0x5049'5045, kSockets = 0x534f'434b, kAnonymous = 0x0904'1934;
}  // namespace magic

/// Blocks are of kPageSize bytes. 0 of them: it does not count any.
struct Statistics {
  std::string_view type = "none";  ///< as in /proc/mounts
  std::uint64_t magic = magic::kAnonymous;
  std::uint64_t blocks = 0, free_blocks = 0, files = 0, free_files = 0;
};

class FileSystem : public Shared {
 public:
  virtual ~FileSystem() = default;
  virtual Ref<Inode> root() = 0;
  [[nodiscard]] virtual Statistics statistics() const { return {}; }
};

}  // namespace fb::libos::posix::vfs

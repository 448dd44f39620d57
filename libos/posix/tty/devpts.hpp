// The file system of pseudo-terminals: a name for each that is open, and ptmx, which makes them.
#pragma once

#include "libos/posix/tty/pty.hpp"
#include "libos/posix/vfs/file_system.hpp"

namespace fb::libos::posix::tty {

inline constexpr std::uint32_t kTerminalsMajor = 5, kPtmxMinor = 2;

/// Mounted at /dev/pts. Nothing in it is made or removed by its name.
class Devpts final : public vfs::FileSystem {
 public:
  static constexpr std::uint32_t kMost = 256;  ///< pseudo-terminals at once

  /// `device` is its st_dev, of no other file system; `jobs` and `clock` outlive every file of it. Errors: NoMemory.
  static Answer<Ref<Devpts>> make(JobControl& jobs, vfs::Clock& clock, std::uint64_t device,
                                  std::uint32_t most = kMost);
  class Directory;
  explicit Devpts(const Ref<Directory>& root);
  ~Devpts() override;

  Ref<vfs::Inode> root() override;
  /// A new pseudo-terminal, with the lowest number that is free. `ptmx` is what was opened. Errors: NoSpace, NoMemory.
  Answer<Ref<vfs::File>> open_master(const Ref<vfs::Inode>& ptmx, std::uint32_t flags);

 private:
  Ref<Directory> root_;
};

}  // namespace fb::libos::posix::tty

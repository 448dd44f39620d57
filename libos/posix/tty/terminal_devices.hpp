// The devices that are terminals: tty, console, ttyS0, ptmx and pts/N.
#pragma once

#include "libos/posix/tty/devpts.hpp"
#include "libos/posix/vfs/devices.hpp"

namespace fb::libos::posix::tty {

inline constexpr std::uint32_t kSerialMajor = 4, kSerialMinor = 64;
inline constexpr std::uint32_t kOwnMinor = 0, kConsoleMinor = 1;  ///< of kTerminalsMajor

/// Chained before other devices. What it is made of outlives every file of it.
class TerminalDevices final : public vfs::Devices {
 public:
  TerminalDevices(JobControl& jobs, vfs::Devices& others) : jobs_(jobs), others_(others) {}
  /// Before that, there is no console.
  void set_console(const Ref<Terminal>& console) { console_ = console; }
  /// Before that, there are no pseudo-terminals.
  void set_pseudo_terminals(const Ref<Devpts>& devpts) { devpts_ = devpts; }

  /// Errors: of Devices; Io, Busy, NoSpace, NoMemory.
  Answer<Ref<vfs::File>> open(const Ref<vfs::Inode>& inode, std::uint32_t flags) override;

 private:
  JobControl& jobs_;
  vfs::Devices& others_;
  Ref<Terminal> console_;
  Ref<Devpts> devpts_;
};

}  // namespace fb::libos::posix::tty

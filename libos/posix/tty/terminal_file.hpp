// A terminal as programs open it, and what can be asked of one.
#pragma once

#include "libos/posix/tty/ioctl_abi.hpp"
#include "libos/posix/tty/terminal.hpp"

namespace fb::libos::posix::tty {

/// What an ioctl is about: a terminal, seen from its own side or from its master's.
struct Asked {
  Terminal& terminal;
  bool from_master, readable;
  std::uint64_t argument;
  vfs::IoctlCaller& caller;
};
/// What both sides know: settings, window, job control, hang-up. Errors: NotTerminal for other requests; Fault, Invalid, Perm,
/// Io, NoProcess, Restart.
Answer<std::uint64_t> terminal_ioctl(Request request, const Asked& asked);

class TerminalFile final : public vfs::File {
 public:
  /// Everybody may write to the console, and whoever has it open is not hung up.
  enum class As : std::uint8_t { Terminal, Console };

  /// Becomes the controlling terminal of a session's leader that has none, unless it is the console or `flags` say
  /// kNoTerminal. Errors: Io, Busy when it is another's alone, NoMemory.
  static Answer<Ref<vfs::File>> open(const Ref<Terminal>& terminal, const Ref<vfs::Inode>& inode,
                                     std::uint32_t flags, const JobControl& jobs, As as = As::Terminal);
  TerminalFile(const Ref<Terminal>& terminal, const Ref<vfs::Inode>& inode, std::uint32_t flags, As as)
      : File(inode, flags), terminal_(terminal), hang_ups_(terminal->hang_ups()), as_(as) {}
  ~TerminalFile() override { terminal_->closed(); }

  [[nodiscard]] vfs::PollState poll() override;
  Answer<std::uint64_t> ioctl(std::uint32_t request, std::uint64_t argument,
                              vfs::IoctlCaller& caller) override;

 private:
  Answer<std::size_t> on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) override;
  Answer<std::size_t> on_write(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) override;
  [[nodiscard]] bool hung_up() const { return as_ != As::Console && hang_ups_ != terminal_->hang_ups(); }
  [[nodiscard]] std::uint8_t character(Special which) const {
    return terminal_->line().settings().characters[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] bool canonical() const {
    return (terminal_->line().settings().local & local::kCanonical) != 0;
  }
  Answer<> wait_for_turn(vfs::Waiter& waiter);
  Answer<std::size_t> write_all(vfs::Input& in, std::size_t count, vfs::Waiter& waiter);

  Ref<Terminal> terminal_;
  std::uint32_t hang_ups_;  ///< of the terminal, when this was opened
  As as_;
};

}  // namespace fb::libos::posix::tty

// The instance's console as a terminal: its wire, and the fibres that listen to what is typed and put what is left over.
#pragma once

#include "libos/posix/console/host_console.hpp"
#include "libos/posix/tty/terminal_devices.hpp"

namespace fb::libos::posix {

/// Whoever writes puts the output himself, as much as there is then, one at a time: the console may wait. What comes meanwhile
/// is a fibre's. Made once, in memory of its own; the console and the scheduler outlive it, and it outlives its terminal.
class ConsoleTerminal final : tty::Wire {
 public:
  ConsoleTerminal(console::HostConsole& console, rt::Fibres& fibres) : console_(console), fibres_(fibres) {}

  /// The terminal, with its fibres; before anything else. Errors: NoMemory.
  Answer<> open(tty::JobControl& jobs, const tty::WindowSize& size);
  [[nodiscard]] const Ref<tty::Terminal>& terminal() const { return terminal_; }
  /// Until everything has been put, but for what a stop character holds. Before the instance ends.
  void finish();

 private:
  static constexpr core::Nanoseconds kLookAgain{1'000'000};

  void output_waits() override;
  void put(std::size_t most);
  void put_left_over();
  /// Ends with the console: nobody types any more, and what is written is dropped. What there is no room for stays with who
  /// sends it.
  void listen();
  void type(std::span<const std::byte> bytes);
  void follow_window();

  console::HostConsole& console_;
  rt::Fibres& fibres_;
  Ref<tty::Terminal> terminal_;
  bool putting_ = false;    ///< somebody is at it
  bool left_over_ = false;  ///< and that is the fibre
  vfs::WaitQueue more_;
};

}  // namespace fb::libos::posix

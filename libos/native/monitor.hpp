// The monitor: the first personality. One command per line, an answer, and what to do when it did not work.
#pragma once

#include "libos/native/line_editor.hpp"
#include "libos/native/programs.hpp"

namespace fb::libos::native {

class Monitor {
 public:
  Monitor(rt::Console& console, Programs& programs, rt::Fibres& fibres)
      : console_(console), programs_(programs), fibres_(fibres), editor_(console) {}

  /// Until `quit` or the end of input; the result is the status to end with.
  int converse();
  /// One line; the result is its status.
  int execute(std::string_view line);
  /// The same for a line from outside: one that is no command of the monitor's is run as a program.
  int execute_command(std::string_view line);

 private:
  struct Command {
    std::string_view name;
    std::string_view usage;
    std::string_view text;
    int (Monitor::*run)(std::string_view arguments);
  };
  static const Command kCommands[];

  int help(std::string_view arguments);
  int caps(std::string_view arguments);
  int mem(std::string_view arguments);
  int cpus(std::string_view arguments);
  int top(std::string_view arguments);
  int ps(std::string_view arguments);
  int instances(std::string_view arguments);
  int account();
  int run(std::string_view arguments);
  int kill(std::string_view arguments);
  int crash(std::string_view arguments);
  int start(std::string_view arguments);
  int focus(std::string_view arguments);
  int quit(std::string_view arguments);

  int control_by_name(rt::ControlCall call, std::string_view verb, std::string_view name);
  int refuse(std::string_view what, core::Error error);
  void print_cap(std::string_view name, abi::Cap<abi::ObjectType::Any> cap);
  void print_context(std::string_view name, std::uint64_t state, std::uint64_t ticks, std::uint64_t& before);
  void prompt();

  static constexpr int kRefusedByRoot = 1;

  template <class... Ts>
  void print(const Ts&... values) {
    core::text::print(console_, values...);
  }
  /// Padded with blanks to `width`.
  void column(std::string_view text, std::size_t width);

  rt::Console& console_;
  Programs& programs_;
  rt::Fibres& fibres_;
  LineEditor<rt::Console> editor_;
  /// Ticks that were shown last, to show how many came since: own, programs, instances.
  std::array<std::uint64_t, 1 + kMaxPrograms + 16> seen_{};
  bool ended_{};
};

}  // namespace fb::libos::native

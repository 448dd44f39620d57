// What can be asked of a terminal: termios(3), ioctl_tty(2).
#include "libos/posix/tty/terminal_file.hpp"

namespace fb::libos::posix::tty {
namespace {

using Done = Answer<std::uint64_t>;

Answer<> may_change(const Asked& asked) { return asked.terminal.control().check(Signal::TerminalOutput); }

Done give(const Asked& asked, std::int32_t value) {
  FB_TRY(asked.caller.give(value));
  return 0;
}

/// With the speeds that it has when only those of the old structure are said.
template <class T>
Done set_settings(const Asked& asked, bool when_sent, bool flush) {
  FB_TRY(may_change(asked));
  Termios2 settings = asked.terminal.settings();
  if constexpr (std::is_same_v<T, Termios2>) {
    FB_ASSIGN(settings, asked.caller.fetch<Termios2>());
  } else {
    FB_ASSIGN(settings.settings, asked.caller.fetch<Termios>());
  }
  if (when_sent) FB_TRY(asked.terminal.wait_until_sent(asked.caller.waiter()));
  if (flush) asked.terminal.flush_input(false);
  asked.terminal.set(settings);
  return 0;
}

Done flow(const Asked& asked) {
  FB_TRY(may_change(asked));
  switch (static_cast<FlowAction>(asked.argument)) {
    case FlowAction::StopOutput:
    case FlowAction::StartOutput:
      asked.terminal.stop_output(static_cast<FlowAction>(asked.argument) == FlowAction::StopOutput);
      return 0;
    case FlowAction::SendStop:
      asked.terminal.send_character(Special::Stop);
      return 0;
    case FlowAction::SendStart:
      asked.terminal.send_character(Special::Start);
      return 0;
  }
  return fail(Errno::Invalid);
}

Done flush(const Asked& asked) {
  FB_TRY(may_change(asked));
  const auto which = static_cast<FlushQueue>(asked.argument);
  if (which > FlushQueue::Both) return fail(Errno::Invalid);
  if (which != FlushQueue::Output) asked.terminal.flush_input(true);
  if (which != FlushQueue::Input) asked.terminal.flush_output();
  return 0;
}

/// Breaks are not sent: no wire here knows them.
Done send_break(const Asked& asked, bool waits) {
  FB_TRY(may_change(asked));
  if (!waits) return 0;
  const auto sent = asked.terminal.wait_until_sent(asked.caller.waiter());
  if (!sent) return fail(sent.error() == Errno::Restart ? Errno::Interrupted : sent.error());
  return 0;
}

Done set_window(const Asked& asked) {
  FB_ASSIGN(const auto size, asked.caller.fetch<WindowSize>());
  asked.terminal.set_window(size);
  return 0;
}

Done set_discipline(const Asked& asked) {
  FB_TRY(may_change(asked));
  FB_ASSIGN(const auto number, asked.caller.fetch<std::int32_t>());
  if (number != 0) return fail(Errno::Invalid);
  return 0;
}

Done settings_ioctl(Request request, const Asked& asked) {
  switch (request) {
    case Request::GetSettings:
      FB_TRY(asked.caller.give(asked.terminal.settings().settings));
      return 0;
    case Request::GetSettings2:
      FB_TRY(asked.caller.give(asked.terminal.settings()));
      return 0;
    case Request::SetSettings:
      return set_settings<Termios>(asked, false, false);
    case Request::SetSettingsWhenSent:
      return set_settings<Termios>(asked, true, false);
    case Request::SetSettingsAndFlush:
      return set_settings<Termios>(asked, true, true);
    case Request::SetSettings2:
      return set_settings<Termios2>(asked, false, false);
    case Request::SetSettings2WhenSent:
      return set_settings<Termios2>(asked, true, false);
    case Request::SetSettings2AndFlush:
      return set_settings<Termios2>(asked, true, true);
    case Request::GetWindow:
      FB_TRY(asked.caller.give(asked.terminal.window()));
      return 0;
    case Request::SetWindow:
      return set_window(asked);
    case Request::GetDiscipline:
      return give(asked, 0);
    case Request::SetDiscipline:
      return set_discipline(asked);
    case Request::Exclusive:
    case Request::NotExclusive:
      asked.terminal.exclusive = request == Request::Exclusive;
      return 0;
    case Request::GetExclusive:
      return give(asked, asked.terminal.exclusive ? 1 : 0);
    case Request::GetDevice:
      return give(asked, static_cast<std::int32_t>(asked.terminal.device()));
    default:
      return fail(Errno::NotTerminal);
  }
}

Done control_ioctl(Request request, const Asked& asked) {
  auto& control = asked.terminal.control();
  const bool may_ask = asked.from_master || control.callers();
  switch (request) {
    case Request::GetGroup:
      if (!may_ask) return fail(Errno::NotTerminal);
      return give(asked, control.foreground().raw());
    case Request::GetSession:
      if (!may_ask || control.session() == SessionId()) return fail(Errno::NotTerminal);
      return give(asked, control.session().raw());
    case Request::SetGroup: {
      const auto may = may_change(asked);
      if (!may) return fail(may.error() == Errno::Io ? Errno::NotTerminal : may.error());
      FB_ASSIGN(const auto group, asked.caller.fetch<std::int32_t>());
      FB_TRY(control.set_foreground(GroupId(group)));
      return 0;
    }
    case Request::Acquire:
      FB_TRY(control.acquire(asked.readable, asked.argument == 1));
      return 0;
    case Request::GiveUp:
      if (asked.from_master || !control.callers()) return fail(Errno::NotTerminal);
      control.give_up();
      return 0;
    case Request::HangUp:
      if (!control.caller().privileged) return fail(Errno::Perm);
      asked.terminal.hang_up(false);
      return 0;
    default:
      return settings_ioctl(request, asked);
  }
}

}  // namespace

Answer<std::uint64_t> terminal_ioctl(Request request, const Asked& asked) {
  switch (request) {
    case Request::Readable:
      return give(asked, static_cast<std::int32_t>(asked.terminal.line().readable()));
    case Request::Unsent:
      return give(asked, static_cast<std::int32_t>(asked.terminal.unsent()));
    case Request::Flow:
      return flow(asked);
    case Request::Flush:
      return flush(asked);
    case Request::Break:
    case Request::BreakTime:
    case Request::BreakOn:
      return send_break(asked, true);
    case Request::BreakOff:
      return send_break(asked, false);
    case Request::Simulate:
      return fail(
          Errno::Io);  // as Linux without CONFIG_LEGACY_TIOCSTI: what is typed comes from the far side
    default:
      return control_ioctl(request, asked);
  }
}

}  // namespace fb::libos::posix::tty

#include "libos/posix/tty/control.hpp"

#include "libos/posix/tty/terminal.hpp"

namespace fb::libos::posix::tty {
namespace {

constexpr GroupId kNoGroup{};
constexpr SessionId kNoSession{};

}  // namespace

bool Control::callers() const { return jobs_.terminal().get() == &terminal_; }

Answer<> Control::check(Signal signal) const {
  const auto group = jobs_.caller().group;
  if (!callers() || foreground_ == kNoGroup || foreground_ == group) return {};
  if (jobs_.ignores(signal)) return signal == Signal::TerminalInput ? Answer<>(fail(Errno::Io)) : Answer<>();
  if (jobs_.orphaned()) return fail(Errno::Io);
  jobs_.send(group, signal);
  return fail(Errno::Restart);
}

Answer<> Control::set_foreground(GroupId group) {
  if (group < kNoGroup) return fail(Errno::Invalid);
  const auto session = jobs_.caller().session;
  if (!callers() || session_ != session) return fail(Errno::NotTerminal);
  FB_ASSIGN(const auto of, jobs_.session_of(group));
  if (of != session) return fail(Errno::Perm);
  foreground_ = group;
  return {};
}

Answer<> Control::acquire(bool readable, bool steal) {
  const auto caller = jobs_.caller();
  if (caller.leads_session && session_ == caller.session) return {};
  if (!caller.leads_session || jobs_.terminal()) return fail(Errno::Perm);
  if (session_ != kNoSession) {
    if (!steal || !caller.privileged) return fail(Errno::Perm);
    jobs_.detach(session_, kNoGroup);
  }
  if (!readable && !caller.privileged) return fail(Errno::Perm);
  give_to_caller();
  return {};
}

void Control::offer(bool readable) {
  if (!readable || session_ != kNoSession || !jobs_.caller().leads_session || jobs_.terminal()) return;
  give_to_caller();
}

void Control::give_to_caller() {
  const auto caller = jobs_.caller();
  session_ = caller.session;
  foreground_ = caller.group;
  jobs_.attach(Ref<Terminal>(terminal_));
}

void Control::send(Signal signal) const {
  if (foreground_ != kNoGroup) jobs_.send(foreground_, signal);
}

void Control::hang_up(bool session_ends) {
  const auto session = std::exchange(session_, kNoSession);
  const auto group = std::exchange(foreground_, kNoGroup);
  if (session == kNoSession) return;
  jobs_.detach(session, session_ends ? kNoGroup : group);
  jobs_.send_leader(session, Signal::HangUp);
  jobs_.send_leader(session, Signal::Continue);
  if (session_ends && group != kNoGroup) jobs_.send(group, Signal::HangUp);
}

void Control::abandon(bool ends) {
  session_ = kNoSession;
  const auto group = std::exchange(foreground_, kNoGroup);
  if (group != kNoGroup) {
    jobs_.send(group, Signal::HangUp);
    if (!ends) jobs_.send(group, Signal::Continue);
  }
  jobs_.detach(jobs_.caller().session, kNoGroup);
}

void Control::give_up() {
  if (jobs_.caller().leads_session) {
    abandon(false);
  } else {
    jobs_.detach_caller();
  }
}

void end_of_caller(JobControl& jobs) {
  const auto terminal = jobs.terminal();
  if (!terminal || !jobs.caller().leads_session) return;
  if (terminal->line_is_real()) {
    terminal->hang_up(true);
  } else {
    terminal->control().abandon(true);
  }
}

}  // namespace fb::libos::posix::tty

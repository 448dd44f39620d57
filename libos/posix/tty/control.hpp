// Whose a terminal is: the session it controls and that session's foreground group (POSIX.1-2024, 11.1; C4).
#pragma once

#include "libos/posix/tty/job_control.hpp"

namespace fb::libos::posix::tty {

/// Part of a terminal. Its rules are Linux's.
class Control {
 public:
  Control(JobControl& jobs, Terminal& terminal) : jobs_(jobs), terminal_(terminal) {}

  /// It is the caller's controlling terminal.
  [[nodiscard]] bool callers() const;
  /// A caller in the background stops, by `signal`, before it reads from it or changes it. Errors: Restart: its group has been
  /// sent the signal; Io: that is of no use.
  [[nodiscard]] Answer<> check(Signal signal) const;

  [[nodiscard]] GroupId foreground() const { return foreground_; }
  [[nodiscard]] SessionId session() const { return session_; }
  /// tcsetpgrp, after check(). Errors: NotTerminal when it is not the caller's, Invalid, NoProcess, Perm for a group of another
  /// session.
  Answer<> set_foreground(GroupId group);
  /// TIOCSCTTY. Errors: Perm.
  Answer<> acquire(bool readable, bool steal);
  /// It has been opened: a leader of a session that has none gets it.
  void offer(bool readable);
  /// To the foreground group, if there is one.
  void send(Signal signal) const;
  /// It is nobody's any more, and its session is told; the foreground group too when `session_ends`.
  void hang_up(bool session_ends);
  /// The session's leader gives it up, or ends.
  void abandon(bool ends);
  /// TIOCNOTTY of one whose it is.
  void give_up();
  [[nodiscard]] Caller caller() const { return jobs_.caller(); }

 private:
  void give_to_caller();

  JobControl& jobs_;
  Terminal& terminal_;
  SessionId session_;
  GroupId foreground_;
};

/// The caller ends. To be called once, while JobControl still knows it.
void end_of_caller(JobControl& jobs);

}  // namespace fb::libos::posix::tty

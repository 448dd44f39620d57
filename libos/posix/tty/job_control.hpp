// Job control as terminals need it: whose call it is, and who hears of what happens (POSIX.1-2024, 11.1; C4).
#pragma once

#include <cstdint>

#include "core/types.hpp"
#include "libos/posix/base/ref.hpp"
#include "libos/posix/signal/abi.hpp"

namespace fb::libos::posix::tty {

class Terminal;

/// A process group and a session, by the number of the process that leads it; 0 is none.
using GroupId = core::Strong<struct GroupIdTag, std::int32_t>;
using SessionId = core::Strong<struct SessionIdTag, std::int32_t>;

using signal::Signal;

struct Caller {
  GroupId group;
  SessionId session;
  bool leads_session = false, privileged = false;
  std::uint32_t uid = 0, gid = 0;
};

/// The processes. There is one caller at a time: whose call is being served. Outlives every terminal.
class JobControl {
 public:
  JobControl() = default;
  JobControl(const JobControl&) = delete;
  JobControl& operator=(const JobControl&) = delete;

  [[nodiscard]] virtual Caller caller() const = 0;
  /// The caller ignores it or has it blocked.
  [[nodiscard]] virtual bool ignores(Signal signal) const = 0;
  /// No process of the caller's group has a parent in another group of its session.
  [[nodiscard]] virtual bool orphaned() const = 0;
  /// The session of a group that exists. Errors: NoProcess.
  [[nodiscard]] virtual Answer<SessionId> session_of(GroupId group) const = 0;
  /// To all processes of the group; to the leader of the session. Nothing when there is none any more. What it does comes
  /// later: the terminal is in the middle of something.
  virtual void send(GroupId group, Signal signal) = 0;
  virtual void send_leader(SessionId session, Signal signal) = 0;

  /// The caller's controlling terminal, or none.
  [[nodiscard]] virtual Ref<Terminal> terminal() const = 0;
  /// The caller, who leads its session, has one from now on; processes it forks have it too.
  virtual void attach(const Ref<Terminal>& terminal) = 0;
  /// The caller alone has none any more (TIOCNOTTY).
  virtual void detach_caller() = 0;
  /// No process of the session has one any more. When its leader ends, `owed` is sent HangUp and Continue, if it is a group.
  virtual void detach(SessionId session, GroupId owed) = 0;

 protected:
  ~JobControl() = default;
};

}  // namespace fb::libos::posix::tty

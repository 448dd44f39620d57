// Process groups and sessions (setpgid(2), setsid(2), credentials(7); C4.02).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

/// A process by number, 0 for the caller's. Errors: NoProcess.
Answer<task::Process*> process_of(Call& call, std::int32_t number) {
  if (number == 0) return &call.process;
  task::Process* const found = call.process.system.processes.find(task::Pid(number));
  if (found == nullptr) return fail(Errno::NoProcess);
  return found;
}

}  // namespace

Done do_setpgid(Call& call) {
  if (call.number32(1) < 0) return fail(Errno::Invalid);
  auto& self = call.process;
  FB_ASSIGN(task::Process* const whom, process_of(call, call.number32(0)));
  const bool child = whom->parent == self.pid;
  if (whom != &self && !child) return fail(Errno::NoProcess);
  if (child && whom->session != self.session) return fail(Errno::Perm);
  if (child && whom->executed) return fail(Errno::Access);
  if (whom->session == whom->pid) return fail(Errno::Perm);  // a session's leader
  const task::Pid group(call.number32(1) == 0 ? whom->pid.raw() : call.number32(1));
  if (group != whom->pid && !self.system.processes.has_group(group, self.session)) return fail(Errno::Perm);
  whom->group = group;
  return 0;
}

Done do_getpgid(Call& call) {
  FB_ASSIGN(const task::Process* const whom, process_of(call, call.number32(0)));
  return static_cast<std::uint64_t>(whom->group.raw());
}
Done do_getpgrp(Call& call) { return static_cast<std::uint64_t>(call.process.group.raw()); }
Done do_getsid(Call& call) {
  FB_ASSIGN(const task::Process* const whom, process_of(call, call.number32(0)));
  return static_cast<std::uint64_t>(whom->session.raw());
}
Done do_setsid(Call& call) {
  auto& self = call.process;
  for (const auto& other : self.system.processes.all()) {
    if (other->group == self.pid) return fail(Errno::Perm);
  }
  self.group = self.session = self.pid;
  self.terminal.reset();
  return static_cast<std::uint64_t>(self.pid.raw());
}

}  // namespace fb::libos::posix::call

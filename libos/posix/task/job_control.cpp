#include "libos/posix/task/job_control.hpp"

#include "libos/posix/task/processes.hpp"
#include "libos/posix/task/signals.hpp"
#include "libos/posix/tty/terminal.hpp"

namespace fb::libos::posix::task {

using signal::Info;
using signal::Signal;

Thread* current_thread(const rt::Fibres& fibres) { return static_cast<Thread*>(fibres.current()->owner); }

tty::Caller ProcessJobs::caller() const {
  const Thread* const thread = current_thread(fibres_);
  if (thread == nullptr) return {};
  const Process& its = thread->process;
  const auto ids = its.credentials.for_files();
  return {.group = tty::GroupId(its.group.raw()),
          .session = tty::SessionId(its.session.raw()),
          .leads_session = its.session == its.pid,
          .privileged = its.credentials.user.effective == 0,
          .uid = ids.uid,
          .gid = ids.gid};
}

bool ProcessJobs::ignores(Signal signal) const {
  const Thread* const thread = current_thread(fibres_);
  return thread == nullptr || thread->blocked.has(signal) || thread->process.actions.ignores(signal);
}

bool ProcessJobs::orphaned() const {
  const Thread* const thread = current_thread(fibres_);
  return thread == nullptr || processes_.orphaned(thread->process.group, thread->process.session);
}

Answer<tty::SessionId> ProcessJobs::session_of(tty::GroupId group) const {
  for (const auto& process : processes_.all()) {
    if (process->group == Pid(group.raw())) return tty::SessionId(process->session.raw());
  }
  return fail(Errno::NoProcess);
}

void ProcessJobs::send(tty::GroupId group, Signal signal) {
  for (const auto& process : processes_.all()) {
    if (process->group == Pid(group.raw()))
      static_cast<void>(task::send(*process, Info::of(signal, signal::code::kKernel)));
  }
}

void ProcessJobs::send_leader(tty::SessionId session, Signal signal) {
  Process* const leader = processes_.find(Pid(session.raw()));
  if (leader != nullptr) static_cast<void>(task::send(*leader, Info::of(signal, signal::code::kKernel)));
}

Ref<tty::Terminal> ProcessJobs::terminal() const {
  const Thread* const thread = current_thread(fibres_);
  return thread == nullptr ? Ref<tty::Terminal>() : thread->process.terminal;
}

void ProcessJobs::attach(const Ref<tty::Terminal>& terminal) {
  const Thread* const caller = current_thread(fibres_);
  if (caller == nullptr) return;
  for (const auto& process : processes_.all()) {
    if (process->session == caller->process.session) process->terminal = terminal;
  }
}

void ProcessJobs::detach_caller() {
  if (const Thread* const caller = current_thread(fibres_)) caller->process.terminal.reset();
}

void ProcessJobs::detach(tty::SessionId session, tty::GroupId owed) {
  for (const auto& process : processes_.all()) {
    if (process->session == Pid(session.raw())) process->terminal.reset();
  }
  if (Process* const leader = processes_.find(Pid(session.raw()))) leader->owed = Pid(owed.raw());
}

}  // namespace fb::libos::posix::task

// Processes by descriptors (pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2); C4.02).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/pid_file.hpp"
#include "libos/posix/task/processes.hpp"
#include "libos/posix/task/signals.hpp"

namespace fb::libos::posix::call {
namespace {

/// Of argument 0, which keeps the file. Errors: BadDescriptor, NoProcess.
Answer<task::Process*> process_of(Call& call, Ref<vfs::File>& keep) {
  FB_ASSIGN(keep, call.process.descriptors.get(call.number32(0)));
  auto* const file = vfs::file_as<task::PidFile>(*keep);
  if (file == nullptr) return fail(Errno::BadDescriptor);
  if (file->process() == nullptr) return fail(Errno::NoProcess);
  return file->process();
}

}  // namespace

Done do_pidfd_open(Call& call) {
  const auto flags = call.word32(1);
  if ((flags & ~vfs::flag::kNonBlock) != 0 || call.number32(0) <= 0) return fail(Errno::Invalid);
  const task::Pid pid(call.number32(0));
  auto& processes = call.process.system.processes;
  task::Process* const process = processes.find(pid);
  // A thread's number is that of no process.
  if (process == nullptr) {
    return fail(processes.find_thread(pid) != nullptr ? Errno::Invalid : Errno::NoProcess);
  }
  FB_ASSIGN(const auto file, task::PidFile::make(*process, flags));
  FB_ASSIGN(const auto number, call.process.descriptors.add(file, true));
  return static_cast<std::uint64_t>(number);
}

Done do_pidfd_send_signal(Call& call) {
  constexpr std::uint32_t kThreadGroup = 2;  // what it is without flags, too
  if ((call.word32(3) & ~kThreadGroup) != 0) return fail(Errno::Invalid);
  Ref<vfs::File> keep;
  const auto to = process_of(call, keep);
  if (!to && to.error() != Errno::NoProcess) return fail(to.error());
  const auto number = call.number32(1);
  signal::Info info = signal::Info::from(signal::Signal{}, signal::code::kUser, call.process.pid.raw(),
                                         call.process.credentials.user.real);
  if (call.word(2) != 0) {
    FB_ASSIGN(info, call.get<signal::Info>(call.address(2)));
    if (info.number != number) return fail(Errno::Invalid);
    const bool own = to && *to == &call.process;
    if (!own && (info.code >= 0 || info.code == signal::code::kThread)) return fail(Errno::Perm);
  }
  if (!to) return fail(Errno::NoProcess);
  std::optional<signal::Signal> signal;
  if (number != 0) {
    if (number > 0) signal = signal::signal_of(static_cast<std::uint64_t>(number));
    if (!signal) return fail(Errno::Invalid);
  }
  if (!task::may_signal(call.process, **to, signal)) return fail(Errno::Perm);
  info.number = number;
  if (signal) FB_TRY(task::send(**to, info));
  return 0;
}

/// Who may change the process may have its files, as under Linux who may trace it.
Done do_pidfd_getfd(Call& call) {
  if (call.word32(2) != 0) return fail(Errno::Invalid);
  Ref<vfs::File> keep;
  FB_ASSIGN(const auto* const from, process_of(call, keep));
  if (from != &call.process && (!task::Process::may_change(call.process, *from) ||
                                (!from->control.dumpable && call.process.credentials.user.effective != 0))) {
    return fail(Errno::Perm);
  }
  if (from->finished) return fail(Errno::NoProcess);
  FB_ASSIGN(const auto file, from->descriptors.get(call.number32(1)));
  FB_ASSIGN(const auto number, call.process.descriptors.add(file, true));
  return static_cast<std::uint64_t>(number);
}

}  // namespace fb::libos::posix::call

// Limits of processes (getrlimit(2)).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

constexpr std::uint32_t kFiles = 7;

Answer<> set_limit(task::Process& of, const task::Process& by, std::uint32_t resource,
                   task::Process::Limit limit) {
  auto& its = of.limits[resource];
  if (limit.soft > limit.hard) return fail(Errno::Invalid);
  if (limit.hard > its.hard && by.credentials.user.effective != 0) return fail(Errno::Perm);
  if (resource == kFiles) {
    if (limit.hard > vfs::Descriptors::kLimitMost) return fail(Errno::Perm);
    of.descriptors.set_limit(static_cast<std::uint32_t>(limit.soft));
  }
  its = limit;
  of.memory().set_limits(of.memory_limits());
  return {};
}

/// `fresh` and `old` are the program's structures, or 0.
Done change(Call& call, std::int32_t pid, std::uint32_t resource, core::VirtAddr fresh, core::VirtAddr old) {
  if (resource >= task::Process::kLimits) return fail(Errno::Invalid);
  task::Process* whom = &call.process;
  if (pid != 0) whom = call.process.system.processes.find(task::Pid(pid));
  if (whom == nullptr || whom->finished) return fail(Errno::NoProcess);
  if (whom != &call.process && !task::Process::may_change(call.process, *whom)) return fail(Errno::Perm);
  const auto before = whom->limits[resource];
  if (fresh != core::VirtAddr(0)) {
    FB_ASSIGN(const auto limit, call.get<task::Process::Limit>(fresh));
    FB_TRY(set_limit(*whom, call.process, resource, limit));
  }
  if (old != core::VirtAddr(0)) FB_TRY(call.put(old, before));
  return 0;
}

}  // namespace

Done do_prlimit64(Call& call) {
  return change(call, call.number32(0), call.word32(1), call.address(2), call.address(3));
}
Done do_getrlimit(Call& call) {
  FB_TRY(call.get<task::Process::Limit>(call.address(1)));
  return change(call, 0, call.word32(0), core::VirtAddr(0), call.address(1));
}
Done do_setrlimit(Call& call) {
  FB_TRY(call.get<task::Process::Limit>(call.address(1)));
  return change(call, 0, call.word32(0), call.address(1), core::VirtAddr(0));
}

}  // namespace fb::libos::posix::call

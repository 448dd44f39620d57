// How nice threads are, by thread, process group and user (getpriority(2)).
#include <algorithm>

#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/schedule.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

/// For each thread that getpriority's arguments name. Errors: Invalid, NoProcess.
template <class F>
Answer<> for_named(Call& call, F&& visit) {
  enum Which : std::uint32_t { kProcess, kGroup, kUser };
  const auto which = call.word32(0);
  if (which > kUser) return fail(Errno::Invalid);
  const auto number = call.number32(1);
  if (which == kProcess) {
    FB_ASSIGN(task::Thread* const thread, thread_of(call, number));
    visit(*thread);
    return {};
  }
  const auto group = number == 0 ? call.process.group : task::Pid(number);
  const auto user = number == 0 ? call.process.credentials.user.real : call.word32(1);
  bool some = false;
  for (const auto& process : call.process.system.processes.all()) {
    if (which == kGroup ? process->group != group : process->credentials.user.real != user) continue;
    for (const auto& thread : process->threads()) {
      some = true;
      visit(*thread);
    }
  }
  if (!some) return fail(Errno::NoProcess);
  return {};
}

}  // namespace

/// 20 minus the least nice, so that no error looks like one.
Done do_getpriority(Call& call) {
  std::int32_t least = sched::kMostNice;
  FB_TRY(
      for_named(call, [&](const task::Thread& thread) { least = std::min(least, thread.scheduling.nice); }));
  return static_cast<std::uint64_t>(-sched::kLeastNice - least);
}

Done do_setpriority(Call& call) {
  const auto nice = std::clamp(call.number32(2), sched::kLeastNice, sched::kMostNice);
  Answer<> done;
  FB_TRY(for_named(call, [&](task::Thread& thread) {
    const auto asker = asker_of(call, thread);
    if (!asker.privileged && !asker.owner) {
      done = fail(Errno::Perm);
    } else if (nice < thread.scheduling.nice && !sched::may_be_nice(nice, limits_of(thread), asker)) {
      done = fail(Errno::Access);
    } else {
      thread.scheduling.nice = nice;
    }
  }));
  // The caller last: it may have to make way, and then everything may change.
  FB_TRY(for_named(call, [&](task::Thread& thread) {
    if (&thread != &call.thread) thread.schedule(thread.scheduling);
  }));
  call.thread.schedule(call.thread.scheduling);
  FB_TRY(done);
  return 0;
}

}  // namespace fb::libos::posix::call

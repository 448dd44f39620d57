// What programs want of the scheduler (sched(7), sched_setscheduler(2), getpriority(2), sched_setaffinity(2)).
#include <limits>

#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/time.hpp"
#include "libos/posix/machine/means.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

enum Policy : std::uint32_t {
  kOther = 0,
  kFifo = 1,
  kRoundRobin = 2,
  kBatch = 3,
  kIdle = 5,
  kResetOnFork = 0x4000'0000
};
constexpr std::int32_t kMostPriority = 99, kLeastNice = -20, kMostNice = 19;

constexpr bool known(std::uint32_t policy) { return policy <= kBatch || policy == kIdle; }
constexpr bool real_time(std::uint32_t policy) { return policy == kFifo || policy == kRoundRobin; }

/// By number, 0 for the caller. Errors: Invalid, NoProcess.
Answer<task::Thread*> thread_of(Call& call, std::int32_t tid) {
  if (tid < 0) return fail(Errno::Invalid);
  if (tid == 0) return &call.thread;
  task::Thread* const found = call.process.system.processes.find_thread(task::Pid(tid));
  if (found == nullptr) return fail(Errno::NoProcess);
  return found;
}

bool may_change(const Call& call, const task::Thread& thread) {
  const auto& user = call.process.credentials.user;
  const auto& its = thread.process.credentials.user;
  return user.effective == 0 || user.effective == its.real || user.effective == its.effective;
}

Done set_policy(Call& call, std::uint32_t policy, core::VirtAddr parameter) {
  FB_ASSIGN(const auto priority, call.get<std::int32_t>(parameter));
  FB_ASSIGN(task::Thread* const thread, thread_of(call, call.number32(0)));
  const bool resets = (policy & kResetOnFork) != 0;
  policy &= ~kResetOnFork;
  if (!known(policy)) return fail(Errno::Invalid);
  if (real_time(policy) ? priority < 1 || priority > kMostPriority : priority != 0)
    return fail(Errno::Invalid);
  if (!may_change(call, *thread)) return fail(Errno::Perm);
  if (real_time(policy) && call.process.credentials.user.effective != 0) return fail(Errno::Perm);
  thread->scheduling.policy = policy;
  thread->scheduling.priority = priority;
  thread->scheduling.reset_on_fork = resets;
  return 0;
}

Answer<std::uint64_t> machine_cpus() {
  const auto count = machine::processor_count();
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

}  // namespace

Done do_sched_yield(Call& call) {
  call.process.system.fibres.yield();
  return 0;
}

Done do_sched_setscheduler(Call& call) {
  if (call.number32(1) < 0) return fail(Errno::Invalid);
  return set_policy(call, call.word32(1), call.address(2));
}
Done do_sched_setparam(Call& call) {
  FB_ASSIGN(const task::Thread* const thread, thread_of(call, call.number32(0)));
  return set_policy(call, thread->scheduling.policy, call.address(1));
}
Done do_sched_getscheduler(Call& call) {
  FB_ASSIGN(const task::Thread* const thread, thread_of(call, call.number32(0)));
  return thread->scheduling.policy | (thread->scheduling.reset_on_fork ? kResetOnFork : 0U);
}
Done do_sched_getparam(Call& call) {
  FB_ASSIGN(const task::Thread* const thread, thread_of(call, call.number32(0)));
  FB_TRY(call.put(call.address(1), thread->scheduling.priority));
  return 0;
}
Done do_sched_get_priority_max(Call& call) {
  if (!known(call.word32(0))) return fail(Errno::Invalid);
  return real_time(call.word32(0)) ? static_cast<std::uint64_t>(kMostPriority) : 0;
}
Done do_sched_get_priority_min(Call& call) {
  if (!known(call.word32(0))) return fail(Errno::Invalid);
  return real_time(call.word32(0)) ? 1 : 0;
}
Done do_sched_rr_get_interval(Call& call) {
  FB_ASSIGN(const task::Thread* const thread, thread_of(call, call.number32(0)));
  constexpr core::Nanoseconds kRoundRobinTurn{100'000'000}, kTurn{1'000'000};
  const bool round_robin = thread->scheduling.policy == kRoundRobin;
  const auto turn = thread->scheduling.policy == kFifo ? core::Nanoseconds(0)
                    : round_robin                      ? kRoundRobinTurn
                                                       : kTurn;
  FB_TRY(call.put(call.address(1), TimeSpec::of(turn)));
  return 0;
}

Done do_sched_getaffinity(Call& call) {
  FB_ASSIGN(const task::Thread* const thread, thread_of(call, call.number32(0)));
  FB_ASSIGN(const auto all, machine_cpus());
  if (call.word(1) < sizeof all || call.word(1) % sizeof all != 0) return fail(Errno::Invalid);
  FB_TRY(call.put(call.address(2), thread->scheduling.affinity & all));
  return sizeof all;
}
Done do_sched_setaffinity(Call& call) {
  FB_ASSIGN(task::Thread* const thread, thread_of(call, call.number32(0)));
  std::uint64_t wanted = 0;
  const auto size = std::min<std::uint64_t>(call.word(1), sizeof wanted);
  FB_TRY(call.memory().read(call.address(2), std::as_writable_bytes(std::span(&wanted, 1)).first(size)));
  if (!may_change(call, *thread)) return fail(Errno::Perm);
  FB_ASSIGN(const auto all, machine_cpus());
  if ((wanted & all) == 0) return fail(Errno::Invalid);
  thread->scheduling.affinity = wanted;
  return 0;
}

Done do_getcpu(Call& call) {
  if (call.word(0) != 0) FB_TRY(call.put(call.address(0), machine::current_processor()));
  if (call.word(1) != 0) FB_TRY(call.put(call.address(1), std::uint32_t{0}));
  return 0;
}

namespace {

/// For each thread that getpriority's arguments name. Errors: Invalid, NoProcess.
template <class F>
Answer<> for_named(Call& call, F&& visit) {
  enum Which : std::uint32_t { kProcess, kGroup, kUser };
  const auto which = call.word32(0);
  if (which > kUser) return fail(Errno::Invalid);
  const auto number = call.number32(1);
  if (which == kProcess) {
    FB_ASSIGN(task::Thread* const thread, number < 0 ? fail(Errno::NoProcess) : thread_of(call, number));
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
  std::int32_t least = kMostNice;
  FB_TRY(
      for_named(call, [&](const task::Thread& thread) { least = std::min(least, thread.scheduling.nice); }));
  return static_cast<std::uint64_t>(-kLeastNice - least);
}

Done do_setpriority(Call& call) {
  const auto nice = std::clamp(call.number32(2), kLeastNice, kMostNice);
  Answer<> done;
  FB_TRY(for_named(call, [&](task::Thread& thread) {
    if (!may_change(call, thread)) {
      done = fail(Errno::Perm);
    } else if (nice < thread.scheduling.nice && call.process.credentials.user.effective != 0) {
      done = fail(Errno::Access);
    } else {
      thread.scheduling.nice = nice;
    }
  }));
  FB_TRY(done);
  return 0;
}

}  // namespace fb::libos::posix::call

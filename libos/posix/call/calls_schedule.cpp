// What programs want of the scheduler (sched(7), sched_setscheduler(2), sched_setattr(2), sched_setaffinity(2)).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/schedule.hpp"
#include "libos/posix/call/time.hpp"
#include "libos/posix/machine/means.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {

using sched::Attributes;
using sched::Scheduling;

/// By number, 0 for the caller.
Answer<task::Thread*> thread_of(Call& call, std::int32_t tid) {
  if (tid == 0) return &call.thread;
  task::Thread* const found = tid < 0 ? nullptr : call.process.system.processes.find_thread(task::Pid(tid));
  if (found == nullptr) return fail(Errno::NoProcess);
  return found;
}

sched::Asker asker_of(const Call& call, const task::Thread& thread) {
  const auto& user = call.process.credentials.user;
  const auto& its = thread.process.credentials.user;
  return {.privileged = user.effective == 0,
          .owner = user.effective == its.real || user.effective == its.effective};
}

sched::Limits limits_of(const task::Thread& thread) {
  const auto& limits = thread.process.limits;
  return {.nice = limits[task::Process::kNice].soft, .priority = limits[task::Process::kPriority].soft};
}

namespace {

Done change(Call& call, task::Thread& thread, const Scheduling& wanted) {
  FB_TRY(sched::may_change(thread.scheduling, wanted, limits_of(thread), asker_of(call, thread)));
  thread.schedule(wanted);
  return 0;
}

/// What calls with a parameter say of it first; and the thread.
Answer<task::Thread*> named(Call& call, core::VirtAddr parameter) {
  if (parameter == core::VirtAddr(0) || call.number32(0) < 0) return fail(Errno::Invalid);
  return thread_of(call, call.number32(0));
}

/// `policy`: none to keep it.
Done set_policy(Call& call, std::optional<std::uint32_t> policy, core::VirtAddr parameter) {
  if (parameter == core::VirtAddr(0) || call.number32(0) < 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto priority, call.get<std::int32_t>(parameter));
  FB_ASSIGN(task::Thread* const thread, thread_of(call, call.number32(0)));
  Scheduling wanted = thread->scheduling;
  wanted.priority = priority;
  if (policy) {
    wanted.policy = *policy & ~std::uint32_t{sched::kResetOnFork};
    wanted.reset_on_fork = (*policy & sched::kResetOnFork) != 0;
  }
  return change(call, *thread, wanted);
}

/// Those that the instance has time on.
std::uint64_t cpus_of(const Call& call) { return call.process.system.fibres.turns().cpus(); }

/// Whether it runs where it may not any more: it has been told, and is about to notice.
bool misplaced(const task::Thread& thread) {
  return thread.carrier != nullptr && (thread.scheduling.affinity >> thread.carrier->cpu & 1) == 0;
}

/// Errors: Fault, ArgumentsTooLong.
Answer<Attributes> read_attributes(Call& call, core::VirtAddr from) {
  FB_ASSIGN(auto size, call.get<std::uint32_t>(from));
  if (size == 0) size = Attributes::kFirstSize;
  bool fits = size >= Attributes::kFirstSize && size <= core::kPageSize;
  for (std::size_t at = sizeof(Attributes); fits && at < size; ++at) {
    FB_ASSIGN(const auto more, call.get<std::uint8_t>(from + core::ByteCount(at)));
    fits = more == 0;
  }
  if (!fits) {
    FB_TRY(call.put(from, static_cast<std::uint32_t>(sizeof(Attributes))));
    return fail(Errno::ArgumentsTooLong);
  }
  Attributes attributes;
  const auto bytes = std::as_writable_bytes(std::span(&attributes, 1));
  FB_TRY(call.memory().read(from, bytes.first(std::min<std::size_t>(size, bytes.size()))));
  return attributes;
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
Done do_sched_setparam(Call& call) { return set_policy(call, std::nullopt, call.address(1)); }
Done do_sched_getscheduler(Call& call) {
  if (call.number32(0) < 0) return fail(Errno::Invalid);
  FB_ASSIGN(const task::Thread* const thread, thread_of(call, call.number32(0)));
  return thread->scheduling.policy | (thread->scheduling.reset_on_fork ? sched::kResetOnFork : 0U);
}
Done do_sched_getparam(Call& call) {
  FB_ASSIGN(const task::Thread* const thread, named(call, call.address(1)));
  FB_TRY(call.put(call.address(1), thread->scheduling.priority));
  return 0;
}
Done do_sched_get_priority_max(Call& call) {
  if (!sched::known(call.word32(0))) return fail(Errno::Invalid);
  return sched::real_time(call.word32(0)) ? static_cast<std::uint64_t>(sched::kMostPriority) : 0;
}
Done do_sched_get_priority_min(Call& call) {
  if (!sched::known(call.word32(0))) return fail(Errno::Invalid);
  return sched::real_time(call.word32(0)) ? 1 : 0;
}
Done do_sched_rr_get_interval(Call& call) {
  if (call.number32(0) < 0) return fail(Errno::Invalid);
  FB_ASSIGN(const task::Thread* const thread, thread_of(call, call.number32(0)));
  constexpr core::Nanoseconds kMillisecond{1'000'000};
  const bool round_robin = thread->scheduling.policy == sched::kRoundRobin;
  const auto turn = thread->scheduling.policy == sched::kFifo ? core::Nanoseconds(0)
                    : round_robin                             ? kMillisecond * rt::sched::Turns::kQuantum
                                                              : kMillisecond;
  FB_TRY(call.put(call.address(1), TimeSpec::of(turn)));
  return 0;
}

Done do_sched_setattr(Call& call) {
  if (call.word(1) == 0 || call.number32(0) < 0 || call.word32(2) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const Attributes attributes, read_attributes(call, call.address(1)));
  if (static_cast<std::int32_t>(attributes.policy) < 0) return fail(Errno::Invalid);
  FB_ASSIGN(task::Thread* const thread, thread_of(call, call.number32(0)));
  FB_ASSIGN(const Scheduling wanted, attributes.applied_to(thread->scheduling));
  return change(call, *thread, wanted);
}
Done do_sched_getattr(Call& call) {
  const std::uint64_t size = call.word32(2);
  if (size < Attributes::kFirstSize || size > core::kPageSize || call.word32(3) != 0)
    return fail(Errno::Invalid);
  FB_ASSIGN(const task::Thread* const thread, named(call, call.address(1)));
  auto told = Attributes::of(thread->scheduling);
  told.size = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, sizeof told));
  FB_TRY(call.memory().write(call.address(1), std::as_bytes(std::span(&told, 1)).first(told.size)));
  return 0;
}

Done do_sched_getaffinity(Call& call) {
  const auto all = cpus_of(call);
  if (call.word32(1) < sizeof all || call.word32(1) % sizeof all != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const task::Thread* const thread, thread_of(call, call.number32(0)));
  FB_TRY(call.put(call.address(2), thread->scheduling.affinity & all));
  return sizeof all;
}
Done do_sched_setaffinity(Call& call) {
  std::uint64_t wanted = 0;
  const auto size = std::min<std::uint64_t>(call.word32(1), sizeof wanted);
  FB_TRY(call.memory().read(call.address(2), std::as_writable_bytes(std::span(&wanted, 1)).first(size)));
  const auto tid = call.number32(0);
  FB_ASSIGN(task::Thread * thread, thread_of(call, tid));
  const auto asker = asker_of(call, *thread);
  if (!asker.privileged && !asker.owner) return fail(Errno::Perm);
  if ((wanted & cpus_of(call)) == 0) return fail(Errno::Invalid);
  Scheduling changed = thread->scheduling;
  changed.affinity = (wanted & cpus_of(call)) == cpus_of(call) ? ~std::uint64_t{0} : wanted;
  thread->schedule(changed);
  // Once the call has returned it runs nowhere else. It may end meanwhile.
  constexpr core::Nanoseconds kSoon{50'000};
  for (int i = 0; i != 200 && thread != &call.thread && misplaced(*thread); ++i) {
    call.process.system.fibres.sleep_for(kSoon);
    const auto found = thread_of(call, tid);
    if (!found) break;
    thread = *found;
  }
  return 0;
}

Done do_getcpu(Call& call) {
  if (call.word(0) != 0) FB_TRY(call.put(call.address(0), machine::current_processor()));
  if (call.word(1) != 0) FB_TRY(call.put(call.address(1), std::uint32_t{0}));
  return 0;
}

}  // namespace fb::libos::posix::call

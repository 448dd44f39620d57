// Signals (sigaction(2), sigprocmask(2), sigaltstack(2), sigsuspend(2), kill(2); C4).
#include <limits>

#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/time.hpp"
#include "libos/posix/task/processes.hpp"
#include "libos/posix/task/signals.hpp"

namespace fb::libos::posix::call {
namespace {

using signal::Info;
using signal::Set;
using signal::Signal;

constexpr std::uint64_t kSetBytes = sizeof(Set);

Answer<Signal> signal_argument(const Call& call, unsigned i) {
  const auto number = call.number32(i);
  const auto found = number < 0 ? std::nullopt : signal::signal_of(static_cast<std::uint64_t>(number));
  if (!found) return fail(Errno::Invalid);
  return *found;
}

/// A signal to send, or none for 0, which asks. Errors: Invalid.
Answer<std::optional<Signal>> to_send(const Call& call, unsigned i) {
  if (call.number32(i) == 0) return std::optional<Signal>();
  FB_ASSIGN(const auto found, signal_argument(call, i));
  return std::optional(found);
}

Info own_info(Call& call, Signal signal, std::int32_t code) {
  return Info::from(signal, code, call.process.pid.raw(), call.process.credentials.user.real);
}

Answer<Set> set_at(Call& call, unsigned argument, unsigned size_argument) {
  if (call.word(size_argument) != kSetBytes) return fail(Errno::Invalid);
  return call.get<Set>(call.address(argument));
}

}  // namespace

Done do_rt_sigaction(Call& call) {
  if (call.word(3) != kSetBytes) return fail(Errno::Invalid);
  FB_ASSIGN(const auto signal, signal_argument(call, 0));
  auto& process = call.process;
  const auto old = process.actions.of(signal);
  if (call.word(1) != 0) {
    FB_ASSIGN(auto action, call.get<signal::Action>(call.address(1)));
    if (signal::kUnstoppable.has(signal)) return fail(Errno::Invalid);
    action.mask = (Set(action.mask) & ~signal::kUnstoppable).bits();
    process.actions.set(signal, action);
    if (process.actions.ignores(signal)) {
      process.signals.drop(Set::of(signal));
      for (const auto& thread : process.threads()) thread->signals.drop(Set::of(signal));
    }
  }
  if (call.word(2) != 0) FB_TRY(call.put(call.address(2), old));
  return 0;
}

Done do_rt_sigprocmask(Call& call) {
  enum How : std::uint32_t { kBlock, kUnblock, kSet };
  if (call.word(3) != kSetBytes) return fail(Errno::Invalid);
  auto& thread = call.thread;
  const auto old = thread.blocked;
  if (call.word(1) != 0) {
    FB_ASSIGN(const auto set, call.get<Set>(call.address(1)));
    switch (call.word32(0)) {
      case kBlock:
        thread.set_mask(old | set);
        break;
      case kUnblock:
        thread.set_mask(old & ~set);
        break;
      case kSet:
        thread.set_mask(set);
        break;
      default:
        return fail(Errno::Invalid);
    }
  }
  if (call.word(2) != 0) FB_TRY(call.put(call.address(2), old));
  return 0;
}

Done do_rt_sigreturn(Call& call) {
  task::return_from_handler(call.thread);
  return call.thread.context.frame().rax;
}

Done do_rt_sigpending(Call& call) {
  if (call.word(1) > kSetBytes) return fail(Errno::Invalid);
  const auto pending = call.thread.pending() & call.thread.blocked;
  FB_TRY(call.memory().write(call.address(0), std::as_bytes(std::span(&pending, 1)).first(call.word(1))));
  return 0;
}

Done do_rt_sigsuspend(Call& call) {
  FB_ASSIGN(const auto set, set_at(call, 0, 1));
  call.thread.mask_for_call(set);
  return do_pause(call);
}

Done do_pause(Call& call) {
  auto waiter = call.waiter();
  while (waiter.sleep(vfs::kForever)) {
  }
  return fail(Errno::RestartNoHandler);
}

Done do_rt_sigtimedwait(Call& call) {
  FB_ASSIGN(const auto asked, set_at(call, 0, 3));
  const auto set = asked & ~signal::kUnstoppable;
  auto deadline = vfs::kForever;
  auto waiter = call.waiter();
  if (call.word(2) != 0) {
    FB_ASSIGN(const auto time, time_at(call, call.address(2)));
    deadline = after(waiter.now(), time);
  }
  auto& thread = call.thread;
  for (;;) {
    auto info = thread.signals.take(set);
    if (!info) info = call.process.signals.take(set);
    if (info) {
      if (call.word(1) != 0) FB_TRY(call.put(call.address(1), *info));
      return static_cast<std::uint64_t>(info->number);
    }
    if (!(thread.deliverable() & ~set).empty()) return fail(Errno::Interrupted);
    thread.awaited = set;
    const auto slept = waiter.sleep(deadline);
    thread.awaited = {};
    if (slept || !(thread.pending() & set).empty()) continue;
    return fail(slept.error() == Errno::TimedOut ? Errno::TryAgain : Errno::Interrupted);
  }
}

Done do_sigaltstack(Call& call) {
  using signal::AlternateStack;
  auto& stack = call.thread.alternate;
  const auto pointer = call.thread.context.frame().rsp;
  const auto old = stack.with_state(pointer);
  if (call.word(0) != 0) {
    FB_ASSIGN(auto fresh, call.get<AlternateStack>(call.address(0)));
    if (stack.occupied(pointer)) return fail(Errno::Perm);
    const auto mode = fresh.flags & ~AlternateStack::kAutoDisarm;
    if (mode != 0 && mode != AlternateStack::kDisabled && mode != AlternateStack::kOn)
      return fail(Errno::Invalid);
    if (mode == AlternateStack::kDisabled)
      fresh = {.flags = fresh.flags};
    else if (fresh.size < AlternateStack::kLeast)
      return fail(Errno::NoMemory);
    stack = fresh;
  }
  if (call.word(1) != 0) FB_TRY(call.put(call.address(1), old));
  return 0;
}

namespace {

/// To every process that `means` chooses. Errors: NoProcess, Perm when it may reach none of them.
template <class Means>
Done kill_all(Call& call, std::optional<Signal> signal, Means means) {
  bool some = false, reached = false;
  for (const auto& process : call.process.system.processes.all()) {
    if (!means(*process)) continue;
    some = true;
    if (!task::may_signal(call.process, *process, signal)) continue;
    reached = true;
    if (signal) static_cast<void>(task::send(*process, own_info(call, *signal, signal::code::kUser)));
  }
  if (!some) return fail(Errno::NoProcess);
  if (!reached) return fail(Errno::Perm);
  return 0;
}

Done kill_one(Call& call, task::Pid pid, std::optional<Signal> signal, const Info& info) {
  if (pid == task::kInit) return fail(Errno::Perm);
  task::Process* const to = call.process.system.processes.find(pid);
  if (to == nullptr) return fail(Errno::NoProcess);
  if (!task::may_signal(call.process, *to, signal)) return fail(Errno::Perm);
  if (signal) FB_TRY(task::send(*to, info));
  return 0;
}

/// `group`: 0 for whatever process it is in.
Done kill_thread(Call& call, task::Pid group, task::Pid tid, std::optional<Signal> signal, const Info& info) {
  if (tid.raw() <= 0) return fail(Errno::Invalid);
  task::Thread* const to = call.process.system.processes.find_thread(tid);
  if (to == nullptr || (group != task::Pid(0) && to->process.pid != group)) return fail(Errno::NoProcess);
  if (!task::may_signal(call.process, to->process, signal)) return fail(Errno::Perm);
  if (signal) FB_TRY(task::send(*to, info));
  return 0;
}

/// What sigqueue sends along. Errors: Fault, Perm when it says that ring 0 or kill sent it.
Answer<Info> info_at(Call& call, unsigned argument, const std::optional<Signal>& signal, task::Pid to) {
  FB_ASSIGN(auto info, call.get<Info>(call.address(argument)));
  if ((info.code >= 0 || info.code == signal::code::kThread) && to != call.process.pid)
    return fail(Errno::Perm);
  info.number = signal ? static_cast<std::int32_t>(*signal) : 0;
  return info;
}

}  // namespace

Done do_kill(Call& call) {
  FB_ASSIGN(const auto signal, to_send(call, 1));
  const auto whom = call.number32(0);
  if (whom == std::numeric_limits<std::int32_t>::min()) return fail(Errno::NoProcess);
  if (whom == -1)
    return kill_all(call, signal, [&](const task::Process& p) { return p.pid != call.process.pid; });
  if (whom > 0) {
    const auto info = signal ? own_info(call, *signal, signal::code::kUser) : Info{};
    return kill_one(call, task::Pid(whom), signal, info);
  }
  const auto group = whom == 0 ? call.process.group : task::Pid(-whom);
  return kill_all(call, signal, [&](const task::Process& p) { return p.group == group; });
}

Done do_tkill(Call& call) {
  FB_ASSIGN(const auto signal, to_send(call, 1));
  const auto info = signal ? own_info(call, *signal, signal::code::kThread) : Info{};
  return kill_thread(call, task::Pid(0), task::Pid(call.number32(0)), signal, info);
}

Done do_tgkill(Call& call) {
  FB_ASSIGN(const auto signal, to_send(call, 2));
  if (call.number32(0) <= 0) return fail(Errno::Invalid);
  const auto info = signal ? own_info(call, *signal, signal::code::kThread) : Info{};
  return kill_thread(call, task::Pid(call.number32(0)), task::Pid(call.number32(1)), signal, info);
}

Done do_rt_sigqueueinfo(Call& call) {
  const task::Pid pid(call.number32(0));
  FB_ASSIGN(const auto signal, to_send(call, 1));
  FB_ASSIGN(const auto info, info_at(call, 2, signal, pid));
  return kill_one(call, pid, signal, info);
}

Done do_rt_tgsigqueueinfo(Call& call) {
  const task::Pid pid(call.number32(0));
  if (pid.raw() <= 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto signal, to_send(call, 2));
  FB_ASSIGN(const auto info, info_at(call, 3, signal, pid));
  return kill_thread(call, pid, task::Pid(call.number32(1)), signal, info);
}

}  // namespace fb::libos::posix::call

#include "libos/posix/task/signals.hpp"

#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::task {
namespace {

using signal::Info;
using signal::Set;
using signal::Signal;

void drop_everywhere(Process& process, Set signals) {
  process.signals.drop(signals);
  for (const auto& thread : process.threads()) thread->signals.drop(signals);
}

/// What a signal does to others as it comes, whether or not it is blocked or ignored. False: nothing more is to be done.
bool arrives(Process& process, Signal signal) {
  if (process.finished || process.ended) return false;
  if (signal == Signal::Kill) {
    process.end(End::killed(signal));
    return false;
  }
  if (signal::kStops.has(signal)) {
    drop_everywhere(process, Set::of(Signal::Continue));
  } else if (signal == Signal::Continue) {
    drop_everywhere(process, signal::kStops);
    process.resume();
  }
  return true;
}

/// What a program sends along has to be kept: its receiver's user has RLIMIT_SIGPENDING of that. Errors: TryAgain.
Answer<> check_place(const Process& process, const Info& info) {
  if (info.code >= 0 || info.signal() < Signal::FirstRealTime) return {};
  const auto most = process.limits[Process::kPendingSignals].soft;
  if (process.system.processes.signals_of(process.credentials.user.real) >= most)
    return fail(Errno::TryAgain);
  return {};
}

}  // namespace

Answer<> send(Process& process, const Info& info) {
  const auto signal = info.signal();
  if (!arrives(process, signal)) return {};
  Thread* taker = nullptr;
  for (const auto& thread : process.threads()) {
    const bool takes = !thread->blocked.has(signal) || thread->awaited.has(signal);
    if (takes && !thread->ending && taker == nullptr) taker = thread.get();
  }
  if (taker != nullptr && process.actions.ignores(signal) && !taker->awaited.has(signal)) return {};
  FB_TRY(check_place(process, info));
  FB_TRY(process.signals.add(info));
  process.arrival->queue.wake_all();
  if (taker != nullptr) taker->interrupt();
  return {};
}

Answer<> send(Thread& thread, const Info& info) {
  const auto signal = info.signal();
  auto& process = thread.process;
  if (!arrives(process, signal)) return {};
  const bool takes = !thread.blocked.has(signal) && !thread.awaited.has(signal);
  if (takes && process.actions.ignores(signal)) return {};
  FB_TRY(check_place(process, info));
  FB_TRY(thread.signals.add(info));
  process.arrival->queue.wake_all();
  thread.interrupt();
  return {};
}

void force(Thread& thread, const Info& info) {
  const auto signal = info.signal();
  auto& actions = thread.process.actions;
  if (thread.blocked.has(signal) || actions.of(signal).handler == signal::action::kIgnore) {
    actions.set(signal, {});
    thread.blocked.remove(signal);
  }
  static_cast<void>(thread.signals.add(info));
}

bool may_signal(const Process& from, const Process& to, std::optional<Signal> signal) {
  const auto& user = from.credentials.user;
  const auto& target = to.credentials.user;
  if (user.effective == 0) return true;
  if (user.effective == target.real || user.effective == target.saved || user.real == target.real ||
      user.real == target.saved)
    return true;
  return signal == Signal::Continue && from.session == to.session;
}

}  // namespace fb::libos::posix::task

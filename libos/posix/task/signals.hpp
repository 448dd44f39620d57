// Sending signals (kill(2), signal(7); C4).
#pragma once

#include "libos/posix/task/process.hpp"

namespace fb::libos::posix::task {

/// To a process: any thread that takes it; to a thread. What nobody would see is not kept. Errors: TryAgain when a real-time
/// signal has no place in the queue.
Answer<> send(Process& process, const signal::Info& info);
Answer<> send(Thread& thread, const signal::Info& info);
/// One that the thread brought upon itself: it cannot be blocked or ignored.
void force(Thread& thread, const signal::Info& info);
/// `signal` may be none, to ask.
[[nodiscard]] bool may_signal(const Process& from, const Process& to, std::optional<signal::Signal> signal);

/// Nothing happens to it before its program goes on: deliver() would only say true.
[[nodiscard]] inline bool undisturbed(const Thread& thread) {
  const Process& process = thread.process;
  return !process.ended && !thread.ending && !process.stopped() && !thread.broken && !thread.masked_before &&
         ((thread.signals.pending() | process.signals.pending()) & ~thread.blocked).empty();
}
/// What happens to a thread before its program goes on: stops, ends, handlers. False: it has to end.
bool deliver(Thread& thread);
/// rt_sigreturn: the program goes on as the frame on its stack says.
void return_from_handler(Thread& thread);
/// Words in memory that others wait for to know that the thread has gone: robust futexes, and the one of clone.
void release_words(Thread& thread);

}  // namespace fb::libos::posix::task

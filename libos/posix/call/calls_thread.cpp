// Threads and what they wait on (futex(2), set_tid_address(2), get_robust_list(2); C4.03, C4.04).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/time.hpp"
#include "libos/posix/task/futex_words.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {

Done do_set_tid_address(Call& call) {
  call.thread.clear_tid = call.address(0);
  return do_gettid(call);
}

namespace {

constexpr std::uint64_t kRobustHeadBytes = 24;

}  // namespace

Done do_set_robust_list(Call& call) {
  if (call.word(1) != kRobustHeadBytes) return fail(Errno::Invalid);
  call.thread.robust_list = call.address(0);
  return 0;
}

Done do_get_robust_list(Call& call) {
  const task::Thread* thread = &call.thread;
  if (call.number32(0) != 0) thread = call.process.system.processes.find_thread(task::Pid(call.number32(0)));
  if (thread == nullptr) return fail(Errno::NoProcess);
  if (&thread->process != &call.process && call.process.credentials.user.effective != 0)
    return fail(Errno::Perm);
  FB_TRY(call.put(call.address(1), thread->robust_list.raw()));
  FB_TRY(call.put(call.address(2), kRobustHeadBytes));
  return 0;
}

namespace {

enum Operation : std::uint32_t {
  kWait,
  kWake,
  kRequeue = 3,
  kCompareRequeue,
  kWakeOperation,
  kLockPi,
  kUnlockPi,
  kTryLockPi,
  kWaitBits,
  kWakeBits,
  kLockPi2 = 13,
  kPrivate = 128,
  kRealtime = 256,
};

struct Futex {
  Call& call;
  std::uint32_t operation;
  core::VirtAddr word;
  bool shared;

  [[nodiscard]] sync::Futexes& futexes() const { return call.process.system.futexes; }
  [[nodiscard]] Answer<sync::FutexKey> key(core::VirtAddr of) const {
    return task::futex_key(call.process, of, shared);
  }
  [[nodiscard]] std::uint32_t value() const { return call.word32(2); }
};

/// The timeout argument, absolute or not, on either clock. Errors: Fault, Invalid.
Answer<core::Nanoseconds> deadline_of(const Futex& futex, bool absolute) {
  if (futex.call.word(3) == 0) return vfs::kForever;
  FB_ASSIGN(const auto time, time_at(futex.call, futex.call.address(3)));
  // Before the other clock is read, or it would wake too early by what passes between the two.
  const auto today = futex.call.process.system.clock.now();
  const auto now = rt::now();
  if (!absolute) return after(now, time);
  if ((futex.operation & kRealtime) == 0) return time;
  return time <= today ? now : after(now, time - today);
}

Done wait(const Futex& futex, std::uint32_t bits, bool absolute) {
  auto& thread = futex.call.thread;
  if (bits == 0) return fail(Errno::Invalid);
  FB_ASSIGN(auto deadline, deadline_of(futex, absolute));
  if (const auto resumed = std::exchange(thread.resumed_deadline, {})) deadline = *resumed;
  FB_ASSIGN(const auto key, futex.key(futex.word));
  auto waiter = futex.call.waiter();
  sync::FutexWait place(futex.futexes(), key, bits, waiter);
  FB_ASSIGN(const auto now, task::read_word(futex.call.process, futex.word));
  if (now != futex.value()) return fail(Errno::TryAgain);
  if (const auto slept = place.sleep(deadline); !slept) {
    if (slept.error() != Errno::Restart) return fail(slept.error());
    if (deadline == vfs::kForever) return fail(Errno::Restart);
    thread.resumed_deadline = deadline;
    return fail(Errno::RestartNoHandler);
  }
  return 0;
}

Done requeue(const Futex& futex, bool compare) {
  auto& call = futex.call;
  const auto other = call.address(4);
  if (call.number32(2) < 0 || call.number32(3) < 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto from, futex.key(futex.word));
  FB_ASSIGN(const auto to, futex.key(other));
  if (compare) {
    FB_ASSIGN(const auto now, task::read_word(call.process, futex.word));
    if (now != call.word32(5)) return fail(Errno::TryAgain);
  }
  const auto done = futex.futexes().requeue(from, to, call.word32(2), call.word32(3));
  return compare ? done.woken + done.moved : done.woken;
}

/// FUTEX_WAKE_OP's second word: what becomes of it, and whether its sleepers wake (futex(2)). Errors: NoCall, Fault.
Answer<bool> change_and_compare(const Futex& futex, core::VirtAddr word) {
  const auto code = futex.call.word32(5);
  constexpr unsigned kShift = 8;
  enum Change : std::uint32_t { kSet, kAdd, kOr, kAndNot, kXor };
  enum Compare : std::uint32_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
  const auto signed12 = [](std::uint32_t value) { return static_cast<std::int32_t>(value << 20) >> 20; };
  auto operand = static_cast<std::uint32_t>(signed12(code >> 12));
  if ((code >> 28 & kShift) != 0) operand = 1U << (operand & 31);
  const auto change = [&](std::uint32_t value) -> Answer<std::uint32_t> {
    switch (code >> 28 & 7) {
      case kSet:
        return operand;
      case kAdd:
        return value + operand;
      case kOr:
        return value | operand;
      case kAndNot:
        return value & ~operand;
      case kXor:
        return value ^ operand;
      default:
        return fail(Errno::NoCall);
    }
  };
  FB_ASSIGN(const auto old, task::change_word(futex.call.process, word, change));
  const auto left = static_cast<std::int32_t>(old), right = signed12(code);
  switch (code >> 24 & 15) {
    case kEqual:
      return left == right;
    case kNotEqual:
      return left != right;
    case kLess:
      return left < right;
    case kLessEqual:
      return left <= right;
    case kGreater:
      return left > right;
    case kGreaterEqual:
      return left >= right;
    default:
      return fail(Errno::NoCall);
  }
}

Done wake_operation(const Futex& futex) {
  const auto other = futex.call.address(4);
  FB_ASSIGN(const auto first, futex.key(futex.word));
  FB_ASSIGN(const auto second, futex.key(other));
  FB_ASSIGN(const auto also, change_and_compare(futex, other));
  auto woken = futex.futexes().wake(first, futex.value());
  if (also) woken += futex.futexes().wake(second, futex.call.word32(3));
  return woken;
}

/// Takes the word, if nobody has it, or marks that somebody waits. Whether it was taken. Errors: Deadlock, TryAgain when it may not
/// wait, NoProcess when there is no such owner.
Answer<bool> take_or_mark(const Futex& futex, sync::FutexKey key, bool may_wait) {
  auto& call = futex.call;
  const auto self = static_cast<std::uint32_t>(call.thread.tid.raw());
  const auto before =
      task::change_word(call.process, futex.word, [&](std::uint32_t value) -> Answer<std::uint32_t> {
        const auto owner = value & task::kFutexTid;
        if (owner == self) return fail(Errno::Deadlock);
        if (owner == 0) {
          const auto more = futex.futexes().count(key) != 0 ? task::kFutexWaiters : 0;
          return self | more | (value & task::kFutexOwnerDied);
        }
        if (!may_wait) return fail(Errno::TryAgain);
        const task::Pid number(static_cast<std::int32_t>(owner));
        if (call.process.system.processes.find_thread(number) == nullptr) return fail(Errno::NoProcess);
        return value | task::kFutexWaiters;
      });
  if (!before) return fail(before.error());
  return (*before & task::kFutexTid) == 0;
}

/// The word has the owner's number; who unlocks it hands it to the one that has slept longest.
Done lock_pi(const Futex& futex, bool may_wait, bool monotonic) {
  auto& call = futex.call;
  FB_ASSIGN(const auto key, futex.key(futex.word));
  Futex timed = futex;
  if (!monotonic) timed.operation |= kRealtime;
  FB_ASSIGN(const auto deadline, deadline_of(timed, true));
  for (;;) {
    FB_ASSIGN(const bool taken, take_or_mark(futex, key, may_wait));
    if (taken) return 0;
    auto waiter = call.waiter();
    sync::FutexWait place(futex.futexes(), key, sync::kAnyBits, waiter, call.thread.tid.raw());
    FB_TRY(place.sleep(deadline));
    FB_ASSIGN(const auto now, task::read_word(call.process, futex.word));
    // Else its owner died, and has not handed it over.
    if ((now & task::kFutexTid) == static_cast<std::uint32_t>(call.thread.tid.raw())) return 0;
  }
}

Done unlock_pi(const Futex& futex) {
  auto& call = futex.call;
  FB_ASSIGN(const auto key, futex.key(futex.word));
  const auto* const next = futex.futexes().first(key);
  std::uint32_t fresh = 0;
  if (next != nullptr) {
    fresh = static_cast<std::uint32_t>(next->tag());
    if (futex.futexes().count(key) > 1) fresh |= task::kFutexWaiters;
  }
  FB_TRY(task::change_word(call.process, futex.word, [&](std::uint32_t value) -> Answer<std::uint32_t> {
    if ((value & task::kFutexTid) != static_cast<std::uint32_t>(call.thread.tid.raw()))
      return fail(Errno::Perm);
    return fresh;
  }));
  futex.futexes().wake(key, 1);
  return 0;
}

}  // namespace

Done do_futex(Call& call) {
  const auto operation = call.word32(1);
  const Futex futex{
      .call = call, .operation = operation, .word = call.address(0), .shared = (operation & kPrivate) == 0};
  switch (operation & ~(kPrivate | kRealtime)) {
    case kWait:
      return wait(futex, sync::kAnyBits, false);
    case kWaitBits:
      return wait(futex, call.word32(5), true);
    case kWake:
    case kWakeBits: {
      const auto bits = (operation & ~(kPrivate | kRealtime)) == kWake ? sync::kAnyBits : call.word32(5);
      if (bits == 0) return fail(Errno::Invalid);
      FB_ASSIGN(const auto key, futex.key(futex.word));
      return futex.futexes().wake(key, static_cast<std::size_t>(std::max(call.number32(2), 1)), bits);
    }
    case kRequeue:
      return requeue(futex, false);
    case kCompareRequeue:
      return requeue(futex, true);
    case kWakeOperation:
      return wake_operation(futex);
    case kLockPi:
      return lock_pi(futex, true, false);
    case kLockPi2:
      return lock_pi(futex, true, (operation & kRealtime) == 0);
    case kTryLockPi:
      return lock_pi(futex, false, false);
    case kUnlockPi:
      return unlock_pi(futex);
    default:
      return fail(Errno::NoCall);
  }
}

}  // namespace fb::libos::posix::call

// Waiting for many files: poll(2), select(2) and what came of them (C4.18).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/time.hpp"
#include "libos/posix/poll/select.hpp"

namespace fb::libos::posix::call {

Answer<> mask_for_call(Call& call, core::VirtAddr mask, std::uint64_t bytes) {
  if (mask == core::VirtAddr(0)) return {};
  if (bytes != sizeof(signal::Set)) return fail(Errno::Invalid);
  FB_ASSIGN(const auto set, call.get<signal::Set>(mask));
  call.thread.mask_for_call(set);
  return {};
}

namespace {

constexpr core::VirtAddr kNowhere{0};

/// When a wait ends, and where the program wants to know what is left of its time.
struct Timeout {
  core::Nanoseconds deadline = vfs::kForever;
  core::VirtAddr left = kNowhere;
};

/// A timeout that takes no time is not told what is left. Errors: Fault, Invalid.
Answer<Timeout> timeout_at(Call& call, core::VirtAddr at) {
  if (at == kNowhere) return Timeout{};
  FB_ASSIGN(const auto time, time_at(call, at));
  if (time == core::Nanoseconds(0)) return Timeout{.deadline = time};
  return Timeout{.deadline = after(rt::now(), time), .left = at};
}

/// select's microseconds may be more than a second's.
Answer<Timeout> timeval_at(Call& call, core::VirtAddr at) {
  if (at == kNowhere) return Timeout{};
  FB_ASSIGN(auto value, call.get<TimeVal>(at));
  constexpr auto kParts = static_cast<std::int64_t>(kSecond / kMicrosecond);
  if (__builtin_add_overflow(value.seconds, value.microseconds / kParts, &value.seconds)) {
    return fail(Errno::Invalid);
  }
  value.microseconds %= kParts;
  FB_ASSIGN(const auto time, nanoseconds_of(value));
  if (time == core::Nanoseconds(0)) return Timeout{.deadline = time};
  return Timeout{.deadline = after(rt::now(), time), .left = at};
}

/// A T of what is left, as Linux does. A call that cannot tell it is not made again: it would wait all of its time anew.
template <class T>
Done tell_left(Call& call, const Timeout& timeout, const Done& done) {
  if (timeout.left == kNowhere) return done;
  const auto now = rt::now();
  const auto left = timeout.deadline > now ? timeout.deadline - now : core::Nanoseconds(0);
  if (call.put(timeout.left, T::of(left)) || done) return done;
  return fail(done.error() == Errno::RestartNoHandler ? Errno::Interrupted : done.error());
}

Done poll_until(Call& call, core::Nanoseconds deadline) {
  const std::uint32_t count = call.word32(1);
  if (count > call.process.descriptors.limit()) return fail(Errno::Invalid);
  Vector<poll::PollRecord> records;
  FB_TRY(records.reserve(count));
  while (records.size() < count) FB_TRY(records.push_back({}));
  const std::span all(records.begin(), count);
  FB_TRY(call.memory().read(call.address(0), std::as_writable_bytes(all)));
  auto waiter = call.waiter();
  const auto ready = poll::poll(call.process.descriptors, all, waiter, deadline);
  if (!ready && ready.error() != Errno::RestartNoHandler) return ready;
  constexpr auto kFound = offsetof(poll::PollRecord, found);
  for (std::size_t i = 0; i < count; ++i) {
    FB_TRY(call.put(call.address(0) + core::ByteCount(i * sizeof(poll::PollRecord) + kFound), all[i].found));
  }
  return ready;
}

/// The sets of arguments 1 to 3. Errors: Fault, NoMemory.
Answer<> read_sets(Call& call, std::uint32_t count, poll::SelectSets& sets) {
  for (unsigned i = 0; i < sets.sets.size(); ++i) {
    if (call.word(i + 1) == 0) continue;
    auto& set = sets.sets[i];
    const std::size_t words = (count + poll::SelectSets::kWordBits - 1) / poll::SelectSets::kWordBits;
    FB_TRY(set.reserve(words));
    while (set.size() < words) FB_TRY(set.push_back(0));
    FB_TRY(call.memory().read(call.address(i + 1), std::as_writable_bytes(std::span(set.begin(), words))));
  }
  return {};
}

Done select_until(Call& call, core::Nanoseconds deadline) {
  if (call.number32(0) < 0) return fail(Errno::Invalid);
  const auto& descriptors = call.process.descriptors;
  const std::uint32_t count = poll::select_limit(descriptors, call.word32(0));
  poll::SelectSets sets;
  FB_TRY(read_sets(call, count, sets));
  auto waiter = call.waiter();
  FB_ASSIGN(const auto ready, poll::select(descriptors, count, sets, waiter, deadline));
  for (unsigned i = 0; i < sets.sets.size(); ++i) {
    if (call.word(i + 1) == 0) continue;
    FB_TRY(call.memory().write(call.address(i + 1), std::as_bytes(sets.sets[i].view())));
  }
  return ready;
}

}  // namespace

Done do_poll(Call& call) {
  constexpr std::uint64_t kMillisecond = 1'000'000;
  const auto time = call.number32(2);
  const auto resumed = std::exchange(call.thread.resumed_deadline, {});
  if (time < 0) return poll_until(call, vfs::kForever);
  if (time == 0) return poll_until(call, core::Nanoseconds(0));
  const core::Nanoseconds duration(static_cast<std::uint64_t>(time) * kMillisecond);
  const auto deadline = resumed ? *resumed : after(rt::now(), duration);
  auto done = poll_until(call, deadline);
  // Nothing is written back here: a stop does not begin the time anew.
  if (!done && done.error() == Errno::RestartNoHandler) call.thread.resumed_deadline = deadline;
  return done;
}

Done do_ppoll(Call& call) {
  FB_ASSIGN(const auto timeout, timeout_at(call, call.address(2)));
  FB_TRY(mask_for_call(call, call.address(3), call.word(4)));
  return tell_left<TimeSpec>(call, timeout, poll_until(call, timeout.deadline));
}

Done do_select(Call& call) {
  FB_ASSIGN(const auto timeout, timeval_at(call, call.address(4)));
  return tell_left<TimeVal>(call, timeout, select_until(call, timeout.deadline));
}

Done do_pselect6(Call& call) {
  struct Mask {
    core::VirtAddr address;
    std::uint64_t bytes;
  };
  Mask mask{.address = kNowhere, .bytes = 0};
  if (call.word(5) != 0) {
    FB_ASSIGN(mask, call.get<Mask>(call.address(5)));
  }
  FB_ASSIGN(const auto timeout, timeout_at(call, call.address(4)));
  FB_TRY(mask_for_call(call, mask.address, mask.bytes));
  return tell_left<TimeSpec>(call, timeout, select_until(call, timeout.deadline));
}

}  // namespace fb::libos::posix::call

// Signals on their way into a program: frames on its stack, and the way back (sigreturn(2)).
#include "libos/posix/signal/frame.hpp"
#include "libos/posix/task/fibre_waiter.hpp"
#include "libos/posix/task/processes.hpp"
#include "libos/posix/task/signals.hpp"

namespace fb::libos::posix::task {
namespace {

using core::VirtAddr;
using signal::Action;
using signal::AlternateStack;
using signal::Info;
using signal::Set;
using signal::Signal;

constexpr std::size_t kSyscallBytes = 2;  ///< of the instruction

/// The parts of a state that say something, one after the other; what they are is known when the head is there. Copying the
/// rest, most of it for registers that hardly any program has, would be two thirds of the price of a signal.
template <class Copy>
Answer<> each_piece(const machine::VectorScratch& vector, Copy copy) {
  const auto bytes = vector.bytes();
  FB_TRY(copy(0, bytes.first(vector.head())));
  for (const auto& part : vector.parts()) {
    if (vector.holds(part)) FB_TRY(copy(part.offset, bytes.subspan(part.offset, part.size)));
  }
  return {};
}

/// Errors: Fault when there is no room for the frame.
Answer<> push_frame(Thread& thread, const Info& info, const Action& action, Set old_mask) {
  auto& frame = thread.context.frame();
  auto& vector = thread.process.system.vector;
  const auto& stack = thread.alternate;
  const bool on_it = stack.enabled() && stack.holds(frame.rsp);
  const bool moves = (action.flags & signal::action::kOnStack) != 0 && stack.enabled() && !on_it;
  const VirtAddr from(moves ? stack.address + stack.size : frame.rsp);
  const auto places = signal::place_frame(from, moves, core::ByteCount(vector.bytes().size()));
  if ((moves || on_it) && !stack.holds(places.frame.raw())) return fail(Errno::Fault);

  FB_TRY(vector.save(thread.context));
  signal::mark_vector_state(vector.bytes(), vector.components());
  auto& memory = thread.process.memory();
  FB_TRY(each_piece(vector, [&](std::size_t offset, std::span<std::byte> piece) {
    return memory.write(places.vector_state + core::ByteCount(offset), piece);
  }));
  const auto end = vector.bytes().last(signal::kMarkBytes);
  FB_TRY(memory.write(places.vector_state + core::ByteCount(vector.bytes().size() - end.size()), end));
  const auto made =
      signal::make_frame({.registers = frame, .blocked = old_mask, .alternate = stack.with_state(frame.rsp)},
                         info, action, places.vector_state);
  FB_TRY(memory.write(places.frame, std::as_bytes(std::span(&made, 1))));
  if ((stack.flags & AlternateStack::kAutoDisarm) != 0 && moves) thread.alternate = {};
  signal::enter_handler(frame, places.frame, info, action);
  thread.context.resume_from_frame();
  return {};
}

/// The call that the signal broke: an error for the program, or made again.
void settle_call(Thread& thread, const Action* handler) {
  if (!thread.broken) return;
  auto& frame = thread.context.frame();
  const bool again = handler == nullptr || (thread.broken->how == Errno::Restart &&
                                            (handler->flags & signal::action::kRestart) != 0);
  if (again) {
    frame.rax = thread.broken->number;
    frame.rip -= kSyscallBytes;
  } else {
    frame.rax = to_register(Errno::Interrupted);
  }
  if (handler != nullptr) thread.resumed_deadline.reset();
  thread.broken.reset();
}

void handle(Thread& thread, const Info& info) {
  auto& process = thread.process;
  const auto signal = info.signal();
  const Action action = process.actions.of(signal);
  settle_call(thread, &action);
  const Set old_mask = thread.masked_before.value_or(thread.blocked);
  if (!push_frame(thread, info, action, old_mask)) {
    if (signal == Signal::Segment) process.actions.set(signal, {});
    force(thread, Info::of(Signal::Segment, signal::code::kKernel));
    return;
  }
  thread.masked_before.reset();
  Set mask = thread.blocked | Set(action.mask);
  if ((action.flags & signal::action::kNoDefer) == 0) mask.add(signal);
  thread.set_mask(mask);
  if ((action.flags & signal::action::kReset) != 0) process.actions.set(signal, {});
}

void act(Thread& thread, const Info& info) {
  auto& process = thread.process;
  const auto signal = info.signal();
  if (process.actions.of(signal).handled()) return handle(thread, info);
  if (process.actions.ignores(signal)) return;
  if (signal::default_of(signal) != signal::Default::Stop) return process.end(End::killed(signal));
  // A group that no shell looks after would stop for ever.
  if (signal != Signal::Stop && process.system.processes.orphaned(process.group, process.session)) return;
  process.stop(signal);
}

std::optional<Info> next_signal(Thread& thread) {
  if (auto own = thread.signals.take(~thread.blocked)) return own;
  return thread.process.signals.take(~thread.blocked);
}

/// Apart from the way on which every call returns, so that it saves no registers for this.
[[gnu::noinline]] bool deliver_all(Thread& thread) {
  auto& process = thread.process;
  for (;;) {
    if (process.ended || thread.ending) return false;
    if (process.stopped()) {
      FibreWaiter waiter(process.system.fibres);
      static_cast<void>(waiter.wait(process.changed));
      continue;
    }
    if (thread.deliverable().empty()) break;
    if (const auto info = next_signal(thread)) act(thread, *info);
  }
  settle_call(thread, nullptr);
  if (thread.masked_before) thread.blocked = *std::exchange(thread.masked_before, {});
  return true;
}

}  // namespace

bool deliver(Thread& thread) {
  const auto& process = thread.process;
  const bool goes_on =
      !process.ended && !thread.ending && !process.stopped() && !thread.broken && !thread.masked_before;
  if (goes_on && thread.deliverable().empty()) [[likely]]
    return true;
  return deliver_all(thread);
}

namespace {

/// Vector registers as the frame at `at` has them, 0 for the initial ones. Errors: Fault.
Answer<> load_vector(Thread& thread, VirtAddr at) {
  constexpr std::size_t kLegacyBytes = 512, kControlWord = 0, kMxcsr = 24;
  auto& vector = thread.process.system.vector;
  const auto bytes = vector.bytes();
  if (at == VirtAddr(0)) {
    std::ranges::fill(bytes, std::byte{});
    constexpr std::uint16_t kInitialControl = 0x37f;
    constexpr std::uint32_t kInitialMxcsr = 0x1f80;
    __builtin_memcpy(bytes.data() + kControlWord, &kInitialControl, sizeof kInitialControl);
    __builtin_memcpy(bytes.data() + kMxcsr, &kInitialMxcsr, sizeof kInitialMxcsr);
    return vector.load(thread.context);
  }
  auto& memory = thread.process.memory();
  FB_TRY(memory.read(at, bytes.first(kLegacyBytes)));
  if (signal::has_extended_state(bytes)) {
    FB_TRY(each_piece(vector, [&](std::size_t offset, std::span<std::byte> piece) {
      // What has been read and looked at is not read again.
      const std::size_t seen = offset == 0 ? kLegacyBytes : 0;
      return memory.read(at + core::ByteCount(offset + seen), piece.subspan(seen));
    }));
  } else {
    constexpr std::uint64_t kX87AndSse = 3;
    std::ranges::fill(bytes.subspan(kLegacyBytes), std::byte{});
    __builtin_memcpy(bytes.data() + kLegacyBytes, &kX87AndSse, sizeof kX87AndSse);
  }
  return vector.load(thread.context);
}

}  // namespace

void return_from_handler(Thread& thread) {
  auto& frame = thread.context.frame();
  auto& memory = thread.process.memory();
  signal::Frame kept;
  const VirtAddr at(frame.rsp - sizeof kept.restorer);
  const bool good = memory.read(at, std::as_writable_bytes(std::span(&kept, 1))) &&
                    load_vector(thread, VirtAddr(kept.context.machine.vector_state));
  if (!good) return force(thread, Info::of(Signal::Segment, signal::code::kKernel));
  signal::restore(frame, kept.context.machine);
  thread.set_mask(Set(kept.context.mask));
  auto& stack = kept.context.stack;
  stack.flags &= AlternateStack::kAutoDisarm;
  if (stack.size == 0 || stack.size >= AlternateStack::kLeast) thread.alternate = stack;
  thread.context.resume_from_frame();
}

}  // namespace fb::libos::posix::task

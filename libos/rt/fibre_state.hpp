// What a fibre is to its scheduler, and what that needs beneath it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "abi/types.hpp"
#include "core/list/list.hpp"
#include "core/result.hpp"
#include "libos/rt/sched/turns.hpp"

namespace fb::libos::rt {

/// Memory of a stack, page-aligned, with an unmapped page below it.
struct Stack {
  std::byte* base{};
  std::size_t bytes{};
};

/// What the scheduler needs beneath it. wait() returns the bits it took, none when the deadline passed. A Seat is where one of
/// several contexts sleeps and hears kicks; the lock is for all of them. ticks() costs next to nothing, and time_at() need not be
/// exact: turns are measured by them.
template <class M>
concept FibreMachine = requires(M& machine, abi::EventBits mask, core::Nanoseconds deadline, Stack stack,
                                typename M::Seat& seat) {
  { machine.now() } -> std::same_as<core::Nanoseconds>;
  { machine.ticks() } -> std::same_as<core::Ticks>;
  { machine.millisecond() } -> std::same_as<core::Ticks>;
  { machine.time_at(core::Ticks{}) } -> std::same_as<core::Nanoseconds>;
  { machine.wait(mask, deadline) } -> std::same_as<abi::EventBits>;
  { machine.allocate_stack() } -> std::same_as<core::Result<Stack>>;
  machine.free_stack(stack);
  machine.lock(seat);
  machine.lock();
  machine.settle();
  machine.unlock();
  machine.kick(seat);
  machine.sleep(seat, deadline);
};

using FibreFunction = void (*)(void* argument);

/// One thread of control. Made by Scheduler::spawn, whose business its members are; lives at the top of its own stack.
struct Fibre {
  core::list::ListLink link;  ///< of those that wait, with its state
  sched::Runnable turn;       ///< while it is ready, or runs

  enum class State : std::uint8_t { Ready, Running, Waiting, Blocked, Joining, Done };
  void* saved{};
  Stack stack;
  FibreFunction entry{};
  void* argument{};
  void* owner{};  ///< whose fibre it is, to whoever spawned it
  void* scheduler{};
  Fibre* joiner{};
  abi::EventBits mask;   ///< Waiting: for which bits
  abi::EventBits woken;  ///< with which bits; none: the deadline passed
  core::Nanoseconds deadline;
  State state{State::Ready};
  bool detached{};
  bool permit{};  ///< an unblock() that came before the block()
};

}  // namespace fb::libos::rt

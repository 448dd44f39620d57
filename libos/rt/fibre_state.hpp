// What a fibre is to its scheduler, and what that needs beneath it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "abi/types.hpp"
#include "core/list/list.hpp"
#include "core/result.hpp"

namespace fb::libos::rt {

/// Memory of a stack, page-aligned, with an unmapped page below it.
struct Stack {
  std::byte* base{};
  std::size_t bytes{};
};

/// What the scheduler needs beneath it. wait() returns the bits it took, none when the deadline passed. A Seat is where one of
/// several contexts sleeps and hears kicks; the lock is for all of them.
template <class M>
concept FibreMachine = requires(M& machine, abi::EventBits mask, core::Nanoseconds deadline, Stack stack,
                                typename M::Seat& seat) {
  { machine.now() } -> std::same_as<core::Nanoseconds>;
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
  core::list::ListLink link;  ///< of whichever list its state says

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
  bool permit{};          ///< an unblock() that came before the block()
  std::uint64_t turns{};  ///< how often it was given the processor
};

}  // namespace fb::libos::rt

// The carrier's work: lets the programs of threads run and does what they ask for (DESIGN §6).
#pragma once

#include "libos/posix/machine/call_queue.hpp"
#include "libos/posix/task/process.hpp"

namespace fb::libos::posix {

/// One fibre for each thread; any carrier runs any of them, and one at a time is in the LibOS (ADR 7). A program runs until it calls, faults, or its turn is over while others are ready.
class Runner final : public task::Starter, public rt::LockObserver {
 public:
  Runner(machine::CallQueue& queue, rt::Fibres& fibres) : queue_(queue), fibres_(fibres) {}
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  Answer<> start(task::Thread& thread) override;
  /// What cannot be mapped now is asked for again by a fault: it is not the matter of whoever runs next.
  void leaving() override { static_cast<void>(queue_.flush()); }

 private:
  void run_to_end(task::Thread& thread);
  void run_once(task::Thread& thread);
  // What is not on the way of every call is not in its way: inlined, it would take the registers.
  [[gnu::noinline]] void look_around();
  static core::Result<abi::Stop> run_program(task::Thread& thread, core::Nanoseconds deadline);
  static void serve_call(task::Thread& thread);
  [[gnu::noinline]] static void serve_fault(task::Thread& thread);

  machine::CallQueue& queue_;
  rt::Fibres& fibres_;
};

}  // namespace fb::libos::posix

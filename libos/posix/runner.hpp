// The carrier's work: lets the programs of threads run and does what they ask for (DESIGN §6).
#pragma once

#include "libos/posix/machine/call_queue.hpp"
#include "libos/posix/task/process.hpp"

namespace fb::libos::posix {

/// One fibre for each thread. A program runs until it calls, faults, or its turn is over while others are ready.
class Runner final : public task::Starter {
 public:
  Runner(machine::CallQueue& queue, rt::Fibres& fibres) : queue_(queue), fibres_(fibres) {}
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  Answer<> start(task::Thread& thread) override;

 private:
  static constexpr core::Nanoseconds kTurn{1'000'000};
  void run_to_end(task::Thread& thread);
  void run_once(task::Thread& thread);
  [[nodiscard]] core::Nanoseconds turn_end();
  static void serve_call(task::Thread& thread);
  static void serve_fault(task::Thread& thread);

  machine::CallQueue& queue_;
  rt::Fibres& fibres_;
  std::uint64_t turn_ = 0;  ///< of the fibres, that turn_end_ is for
  core::Nanoseconds turn_end_{};
};

}  // namespace fb::libos::posix

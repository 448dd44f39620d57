// A thread: registers, a signal mask, and the fibre that runs it.
#pragma once

#include <optional>

#include "libos/posix/machine/program_context.hpp"
#include "libos/posix/sched/scheduling.hpp"
#include "libos/posix/signal/queue.hpp"
#include "libos/posix/task/ids.hpp"
#include "libos/posix/task/system.hpp"
#include "libos/posix/uring/submitter.hpp"

namespace fb::libos::posix::task {

class Process;

class Thread {
 public:
  Thread(Process& its, Pid number) : process(its), tid(number) {}
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread();

  /// With the registers of a program that begins. Errors: NoMemory.
  Answer<> open();
  /// As `other`, which is in a call that returns 0 here; on `stack`, if that is not 0. Errors: NoMemory.
  Answer<> copy(Thread& other, core::VirtAddr stack);

  /// How long its program has run.
  [[nodiscard]] core::Ticks ticks() const {
    return carrier == nullptr ? ran : ran + (machine::time_stamp() - running_since);
  }
  /// Something is there for it that ends a wait: a signal to deliver, a stop, its end.
  [[nodiscard]] bool interrupted() const;
  /// Looks whether interrupted(), if it waits.
  void interrupt() const;
  /// Signals that are pending for it or its process, and those of them that it would take now.
  [[nodiscard]] signal::Set pending() const;
  [[nodiscard]] signal::Set deliverable() const { return pending() & ~blocked; }
  /// From now on; its fibre, if it is the one that calls, may have to make way for others first.
  void schedule(const sched::Scheduling& wanted);
  /// Nothing is done for it any more that it has submitted: it ends, or becomes another program.
  void end_submissions();
  /// As a call does for its time: the old mask comes back after it, or after the handler that ended it.
  void mask_for_call(signal::Set mask);
  void set_mask(signal::Set mask) { blocked = mask & ~signal::kUnstoppable; }

  Process& process;
  Pid tid;  ///< changes where a thread that is not the first becomes another program
  machine::ProgramContext context;
  signal::Set blocked;
  std::optional<signal::Set> masked_before;  ///< mask_for_call
  signal::Set awaited;                       ///< sigtimedwait takes them though they are blocked
  signal::Queue signals;
  signal::AlternateStack alternate;
  core::VirtAddr clear_tid{}, robust_list{};
  rt::Fibre* fibre = nullptr;
  rt::Fibres::Carrier* carrier = nullptr;  ///< that its program runs on, while it runs
  core::Ticks ran{}, running_since{};
  bool ending = false;  ///< it alone, or for an exec of another thread
  /// The call that a signal has ended, until it is decided whether it is made again.
  struct Broken {
    std::uint64_t number;
    Errno how;
  };
  std::optional<Broken> broken;
  std::optional<core::Nanoseconds> resumed_deadline;  ///< of a sleep that goes on
  std::array<char, 16> name{};
  sched::Scheduling scheduling;                 ///< changed by schedule()
  std::unique_ptr<uring::Submitter> submitter;  ///< once it has submitted to a ring

 private:
  Answer<> take_context();
};

}  // namespace fb::libos::posix::task

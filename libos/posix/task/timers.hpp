// The timers of a process: setitimer(2), alarm(2), timer_create(2) (C4.08).
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "libos/posix/base/vector.hpp"
#include "libos/posix/signal/abi.hpp"
#include "libos/posix/task/count_down.hpp"
#include "libos/posix/task/ids.hpp"

namespace fb::libos::posix::task {

/// ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF: each sends a signal of its own to the process.
class IntervalTimer final : public CountDown {
 public:
  IntervalTimer(poll::Alarms& alarms, Process& process, Clock clock, signal::Signal signal)
      : CountDown(alarms, process, clock), process_(process), signal_(signal) {}

 private:
  void expired(std::uint64_t times) override;
  Process& process_;
  signal::Signal signal_;
};

/// What a POSIX timer does when it expires.
struct Notice {
  std::optional<signal::Signal> signal;  ///< none: nothing
  Pid thread;                            ///< 0: the process
  std::uint64_t value = 0;
};

class PosixTimer final : public CountDown {
 public:
  PosixTimer(poll::Alarms& alarms, Process& process, Clock clock, std::int32_t id, bool real_time,
             const Notice& notice)
      : CountDown(alarms, process, clock), id(id), real_time(real_time), process_(process), notice_(notice) {}
  /// Expirations of which no signal has told, as long as one waits to be delivered.
  [[nodiscard]] std::uint32_t overrun() const { return overrun_; }

  const std::int32_t id;
  const bool real_time;  ///< absolute times are since 1970

 private:
  void expired(std::uint64_t times) override;
  Process& process_;
  Notice notice_;
  std::uint32_t overrun_ = 0;
};

class Timers {
 public:
  static constexpr std::size_t kMost = 256;  ///< of timer_create, for each process
  static constexpr std::size_t kIntervals = 3;

  Timers(poll::Alarms& alarms, Process& process);
  [[nodiscard]] IntervalTimer& interval(std::size_t which) { return intervals_[which]; }
  /// Errors: TryAgain, NoMemory.
  Answer<PosixTimer*> add(CountDown::Clock clock, bool real_time, std::optional<Notice> notice);
  [[nodiscard]] PosixTimer* find(std::int32_t id) const;
  void remove(const PosixTimer& timer);
  /// Of timer_create: at exec and exit.
  void remove_all() { timers_.clear(); }
  /// At exit.
  void stop_all();

 private:
  poll::Alarms& alarms_;
  Process& process_;
  std::array<IntervalTimer, kIntervals> intervals_;
  Vector<std::unique_ptr<PosixTimer>> timers_;
  std::int32_t next_id_ = 0;
};

}  // namespace fb::libos::posix::task

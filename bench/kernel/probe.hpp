// Looking for the longest stretch with interrupts off.
#pragma once

#include "bench/kernel/bench.hpp"

namespace fb::bench {

/// Makes a periodic timer fall due at every phase of an operation; the kernel remembers how late the latest of its
/// interrupts came.
class Probe {
 public:
  explicit Probe(Bench& b) : bench_(b) {
    bench_.must(exo_timer_create(bench_.event(), 0, &timer_), "timer_create");
    worst_ = {0, 0, 0, 0};
    static_cast<void>(bench_.info(EXO_INFO_INTERRUPTS_OFF_TICKS));
  }

  /// prepare(i), then operation(i) with the timer at its i-th phase, then undo(i). Short operations are swept from
  /// beginning to end in `count` steps; in long ones the period finds every phase of what they repeat.
  template <class Prepare, class Operation, class Undo>
  void run(std::string_view name, unsigned count, Prepare prepare, Operation operation, Undo undo) {
    std::uint64_t length = 0;
    for (unsigned i = 0; i <= count; ++i) {
      prepare(i);
      const auto sweep = length < 4 * kPeriod ? length * i / count : i * 7919ULL % kPeriod;
      if (i != 0) arm(kCallNanoseconds + sweep);
      const auto opened = now_ticks();
      const auto status = operation(i);
      if (i == 0) length = now_ticks() - opened;
      bench_.must(exo_timer_arm(timer_, EXO_NEVER, 0), "timer_arm");
      bench_.must(status, name);
      undo(i);
    }
    settle(name, count);
  }
  template <class Operation>
  void run(std::string_view name, unsigned count, Operation operation) {
    run(name, count, [](unsigned) {}, operation, [](unsigned) {});
  }
  void settle(std::string_view name, unsigned count) {
    const auto late = bench_.info(EXO_INFO_INTERRUPTS_OFF_TICKS);
    bench_.note("irq-off-max: ", name, " ", late);
    if (late > worst_.worst) worst_.median = worst_.worst = late;
    worst_.repetitions += count;
  }
  [[nodiscard]] const Summary& worst() const { return worst_; }

 private:
  static constexpr std::uint64_t kPeriod = 50'000;        // nanoseconds; the kernel allows no shorter one
  static constexpr std::uint64_t kCallNanoseconds = 300;  // from reading the clock to the operation, about
  void arm(std::uint64_t in) {
    std::uint64_t now = 0;
    bench_.must(exo_get_system_time(EXO_CLOCK_MONOTONIC, &now), "get_system_time");
    bench_.must(exo_timer_arm(timer_, now + in, kPeriod), "timer_arm");
  }

  Bench& bench_;
  exo_cap timer_ = 0;
  Summary worst_{};
};

}  // namespace fb::bench

// The clock page: how the processor's ticks become times. Programs read it through the vDSO, the LibOS for the calls that they
// make instead: so both say the same (C4.06).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <type_traits>

namespace fb::libos::posix::vdso {

inline constexpr std::uint64_t kSecond = 1'000'000'000;

/// Numbers of clocks that are a straight line over the ticks (uapi linux/time.h): they need no call.
enum ClockNumber : std::uint32_t {
  kRealtime = 0,
  kMonotonic = 1,
  kMonotonicRaw = 4,
  kRealtimeCoarse = 5,
  kMonotonicCoarse = 6,
  kBootTime = 7,
  kTai = 11,
  kClocks = 12,
};
constexpr bool has_line(std::uint32_t clock) {
  constexpr std::uint32_t kLines = 1U << kRealtime | 1U << kMonotonic | 1U << kMonotonicRaw |
                                   1U << kRealtimeCoarse | 1U << kMonotonicCoarse | 1U << kBootTime |
                                   1U << kTai;
  if (clock >= kClocks) return false;
  // What compilers make of both conditions at once is longer.
  if (!std::is_constant_evaluated()) asm("" : "+r"(clock));
  return (kLines >> clock & 1) != 0;
}

/// A time in seconds and a rest. One instruction: a multiplication by the inverse would be seven.
struct Seconds {
  std::uint64_t seconds, nanoseconds;
};
inline Seconds seconds_of(std::uint64_t time) {
  Seconds split{.seconds = time, .nanoseconds = 0};
  asm("divq %2" : "+a"(split.seconds), "+d"(split.nanoseconds) : "r"(kSecond) : "cc");
  return split;
}

/// ticks * multiplier / 2^32, rounded down; wraps. The multiplier, 32.32 fixed point, stays where it is.
template <class Word>
std::uint64_t scale(std::uint64_t ticks, const Word& multiplier) {
  static_assert(sizeof(Word) == sizeof(std::uint64_t));
  asm("mulq %1\n\tshrdq $32, %%rdx, %%rax" : "+a"(ticks) : "m"(multiplier) : "rdx", "cc");
  return ticks;
}

/// scale() and `offset` besides, which stays where it is, too.
template <class Word>
std::uint64_t scale_from(const Word& offset, std::uint64_t ticks, const Word& multiplier) {
  static_assert(sizeof(Word) == sizeof(std::uint64_t));
  asm("mulq %1\n\tshrdq $32, %%rdx, %%rax\n\taddq %2, %%rax"
      : "+a"(ticks)
      : "m"(multiplier), "m"(offset)
      : "rdx", "cc");
  return ticks;
}

/// A clock says its scaled ticks and its offset; the sum wraps.
struct ClockLine {
  std::uint64_t multiplier = 0;  ///< nanoseconds per tick, 32.32 fixed point
  std::uint64_t monotonic = 0;   ///< offset of the clocks since boot
  std::uint64_t realtime = 0;    ///< offset of those since 1970
};

/// The processor's time stamp, read neither before nor after its place in the program: threads that speak with each other see no
/// time go backwards.
inline std::uint64_t read_ticks() {
  std::uint64_t ticks = 0;
  asm volatile("lfence\n\trdtsc\n\tshlq $32, %%rdx\n\torq %%rdx, %%rax"
               : "=a"(ticks)
               :
               : "rdx", "cc", "memory");
  return ticks;
}

/// One writer, any number of readers that cannot be waited for: the sequence is odd while the line changes, as it does when the
/// instance wakes on another machine.
class ClockPage {
 public:
  void publish(const ClockLine& line) {
    const auto sequence = sequence_.load(std::memory_order_relaxed);
    sequence_.store(sequence + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    multiplier_.store(line.multiplier, std::memory_order_relaxed);
    for (const auto clock : {kMonotonic, kMonotonicRaw, kMonotonicCoarse, kBootTime})
      offsets_[clock].store(line.monotonic, std::memory_order_relaxed);
    for (const auto clock : {kRealtime, kRealtimeCoarse, kTai})
      offsets_[clock].store(line.realtime, std::memory_order_relaxed);
    sequence_.store(sequence + 2, std::memory_order_release);
  }

  /// Nanoseconds of a clock that has_line; `ticks` gives the time stamp.
  template <class Ticks>
  [[nodiscard]] std::uint64_t now(std::uint32_t clock, Ticks ticks) const {
    for (;;) {
      // An odd one never compares equal.
      const auto sequence = sequence_.load(std::memory_order_acquire) & ~1U;
      const auto stamp = ticks();
      const auto time = scale_from(offsets_[clock], stamp, multiplier_);
      std::atomic_thread_fence(std::memory_order_acquire);
      if (sequence_.load(std::memory_order_relaxed) == sequence) [[likely]]
        return time;
    }
  }
  [[nodiscard]] std::uint64_t now(std::uint32_t clock) const { return now(clock, read_ticks); }

 private:
  std::atomic<std::uint32_t> sequence_{0};
  std::atomic<std::uint64_t> multiplier_{0};
  std::array<std::atomic<std::uint64_t>, kClocks> offsets_{};  ///< by clock
};

}  // namespace fb::libos::posix::vdso

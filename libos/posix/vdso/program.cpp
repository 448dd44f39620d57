// The vDSO: what programs call instead of the system, in their own memory (vdso(7); C4.06). Linked alone, as linux-vdso.so.1.
#include "libos/posix/vdso/clock_page.hpp"

/// The linker's: where this file begins. The clock page is the page before.
extern "C" [[gnu::visibility("hidden")]] const char __ehdr_start[];

namespace {

using namespace fb::libos::posix::vdso;

enum Call : long { kGetTimeOfDay = 96, kTime = 201, kClockGetTime = 228, kClockGetRes = 229, kGetCpu = 309 };

using TimeSpec = Seconds;
struct TimeVal {
  std::uint64_t seconds, microseconds;
};

inline long ask(Call call, std::uint64_t first, const void* second, const void* third) {
  long result = call;
  asm volatile("syscall" : "+a"(result) : "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
  return result;
}

inline std::uint64_t now(std::uint32_t clock) {
  return reinterpret_cast<const ClockPage*>(__ehdr_start - 4096)->now(clock);
}

}  // namespace

#define FB_VDSO_CALL extern "C" [[gnu::visibility("default")]]

FB_VDSO_CALL int __vdso_clock_gettime(std::uint32_t clock, TimeSpec* time) {
  if (!has_line(clock)) [[unlikely]]
    return static_cast<int>(ask(kClockGetTime, clock, time, nullptr));
  *time = seconds_of(now(clock));
  int done = 0;
  // After the stores, so that the time has not to move out of its way: the C library's path through here is 40 instructions.
  asm volatile("xorl %0, %0" : "=r"(done) : : "cc", "memory");
  return done;
}

FB_VDSO_CALL int __vdso_clock_getres(std::uint32_t clock, TimeSpec* time) {
  if (!has_line(clock)) [[unlikely]]
    return static_cast<int>(ask(kClockGetRes, clock, time, nullptr));
  if (time != nullptr) *time = {.seconds = 0, .nanoseconds = 1};
  return 0;
}

/// The time zone is long gone: both its words are 0.
FB_VDSO_CALL int __vdso_gettimeofday(TimeVal* time, std::uint64_t* zone) {
  if (time != nullptr) {
    const auto told = seconds_of(now(kRealtime));
    *time = {.seconds = told.seconds, .microseconds = told.nanoseconds / 1000};
  }
  if (zone != nullptr) *zone = 0;
  return 0;
}

FB_VDSO_CALL std::uint64_t __vdso_time(std::uint64_t* time) {
  const auto told = now(kRealtime) / kSecond;
  if (time != nullptr) *time = told;
  return told;
}

/// Ring 0 gives processors no number that a program could read, so this one asks.
FB_VDSO_CALL int __vdso_getcpu(std::uint32_t* cpu, std::uint32_t* node, const void* cache) {
  return static_cast<int>(ask(kGetCpu, reinterpret_cast<std::uint64_t>(cpu), node, cache));
}

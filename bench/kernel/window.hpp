// A measuring window: what lies between open_window and close_window is counted, and only that.
#pragma once

#include <cstdint>

namespace fb::bench {

/// Time-stamp counter; one per guest instruction under `-icount shift=0` (DESIGN §14). The exchange is a marker that
/// `tools/bench.py --trace` looks for; it costs what an empty window costs, which is measured and subtracted.
[[gnu::always_inline]] inline std::uint64_t open_window() {
  std::uint64_t now = 0;
  asm volatile("rdtsc\n\tshlq $32, %%rdx\n\torq %%rdx, %%rax\n\txchgw %%bx, %%bx"
               : "=a"(now)
               :
               : "rdx", "memory", "cc");
  return now;
}
[[gnu::always_inline]] inline std::uint64_t close_window() {
  std::uint64_t now = 0;
  asm volatile("xchgw %%bx, %%bx\n\trdtsc\n\tshlq $32, %%rdx\n\torq %%rdx, %%rax"
               : "=a"(now)
               :
               : "rdx", "memory", "cc");
  return now;
}

/// The counter, for whoever does not measure.
inline std::uint64_t now_ticks() {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return high << 32 | low;
}

}  // namespace fb::bench

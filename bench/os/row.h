/* What a row is, and the counter that measures it. */
#pragma once

#include <stdint.h>

struct row {
  const char* name;
  unsigned operations; /* in one batch */
  unsigned batches;
  void (*run)(unsigned n); /* n operations: this is measured, less a loop that does nothing */
  void (*begin)(void);     /* once before; may be null, as the others below */
  void (*prepare)(void);   /* before each batch */
  void (*end)(void);       /* once behind */
};

extern const struct row call_rows[], memory_rows[], wake_rows[], process_rows[];
extern const char* own_path; /* of this program, to execute it again */

/* One for each instruction under -icount shift=0. */
static inline uint64_t ticks(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return (uint64_t)high << 32 | low;
}

/* Ends the program with a line that says what did not work. */
_Noreturn void give_up(const char* what);
static inline long must(long result, const char* what) {
  if (result < 0) give_up(what);
  return result;
}

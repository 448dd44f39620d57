/* Micro-benchmarks of an operating system for Linux programs: instructions per operation, under -icount.

   bench_os ROW...        prints a line "row<TAB>name<TAB>least<TAB>worst<TAB>batches" for each, then "done". As the first
                          process of a machine the rows are the words that the kernel did not know, and the machine ends
                          with it.
   bench_os --trace ROW   prints "trace" before the last operation, and does it when there was a line to read. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "bench/os/bulk.h"
#include "bench/os/row.h"

enum { kSettle = 20000 }; /* microseconds */

const char* own_path;
static uint64_t begun; /* the counter when this program was reached */
static bool first_process, tracing;

static void finish(int status) {
  fflush(stdout);
  if (!first_process) exit(status);
  tcdrain(1);
  for (;;) reboot(RB_AUTOBOOT);
}

_Noreturn void give_up(const char* what) {
  printf("fail\t%s\t%s\n", what, strerror(errno));
  finish(1);
  abort();
}

static void nothing(unsigned n) {
  for (unsigned i = 0; i < n; ++i) __asm__ volatile("" : : : "memory");
}

/* What was printed is with the reader: the serial line interrupts no row. */
static void settle(void) {
  fflush(stdout);
  tcdrain(1);
  usleep(kSettle);
}

/* Of one batch, with the loop. What is between the two exchanges is what ./fb bench --trace shows. */
static uint64_t batch(unsigned operations, void (*run)(unsigned)) {
  uint64_t before = ticks();
  __asm__ volatile("xchgw %%bx, %%bx" : : : "memory");
  run(operations);
  __asm__ volatile("xchgw %%bx, %%bx" : : : "memory");
  return ticks() - before;
}

/* The reader has the last operation logged. */
static void trace_last(const struct row* row) {
  char line[8];
  printf("trace\n");
  settle();
  must(read(0, line, sizeof line), "read");
  if (row->prepare) row->prepare();
  batch(1, row->run);
}

static uint64_t loop_cost(const struct row* row) {
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < 5; ++i) {
    uint64_t now = batch(row->operations, nothing);
    least = now < least ? now : least;
  }
  return least;
}

static void measure(const struct row* row) {
  uint64_t least = UINT64_MAX, worst = 0, loop = loop_cost(row);
  if (row->begin) row->begin();
  for (unsigned i = 0; i <= row->batches; ++i) {
    if (row->prepare) row->prepare();
    uint64_t took = batch(row->operations, row->run);
    took = took > loop ? took - loop : 0;
    least = took < least ? took : least;
    if (i > 0 && took > worst) worst = took; /* the first one warms up */
  }
  if (tracing) trace_last(row);
  if (row->end) row->end();
  uint64_t half = row->operations / 2;
  printf("row\t%s\t%llu\t%llu\t%u\n", row->name, (unsigned long long)(least + half) / row->operations,
         (unsigned long long)(worst + half) / row->operations, row->batches);
}

static bool measure_in(const struct row* rows, const char* name) {
  for (; rows->name; ++rows) {
    if (strcmp(rows->name, name)) continue;
    measure(rows);
    return true;
  }
  return false;
}

/* KiB. */
static unsigned long free_memory(void) {
  char line[128];
  unsigned long kib = 0;
  FILE* file = fopen("/proc/meminfo", "r");
  while (file && !kib && fgets(line, sizeof line, file)) sscanf(line, "MemFree: %lu", &kib);
  if (!kib) give_up("/proc/meminfo");
  fclose(file);
  return kib;
}

static void measure_named(const char* name) {
  printf("begin\t%s\n", name);
  settle();
  if (!strcmp(name, "boot")) {
    printf("row\tboot\t%llu\t%llu\t1\n", (unsigned long long)begun, (unsigned long long)begun);
  } else if (!strcmp(name, "memory-idle")) { /* what is free: whoever gave the memory knows what is not */
    unsigned long kib = free_memory();
    printf("row\tmemory-idle\t%lu\t%lu\t1\n", kib, kib);
  } else if (!measure_bulk(name) && !measure_in(call_rows, name) && !measure_in(memory_rows, name) &&
             !measure_in(wake_rows, name) && !measure_in(process_rows, name)) {
    printf("fail\t%s\tno such row\n", name);
  }
  fflush(stdout);
}

/* What an init has to do for us. */
static void set_up_machine(void) {
  mkdir("/dev", 0755), mkdir("/proc", 0755), mkdir("/tmp", 0755);
  mount("dev", "/dev", "devtmpfs", 0, ""), mount("proc", "/proc", "proc", 0, "");
  int console = open("/dev/ttyS0", O_RDWR | O_NOCTTY);
  for (int i = 0; console >= 0 && i < 3; ++i) dup2(console, i);
  if (console > 2) close(console);
}

int main(int count, char** words) {
  begun = ticks();
  if (count == 2 && !strcmp(words[1], "--exit")) _exit(0);
  first_process = getpid() == 1 && !strcmp(words[0], "/init");
  if (first_process) set_up_machine();
  static char path[256];
  must(readlink("/proc/self/exe", path, sizeof path - 1), "/proc/self/exe");
  own_path = path;
  tracing = count > 2 && !strcmp(words[1], "--trace");
  for (int i = tracing ? 2 : 1; i < count; ++i) measure_named(words[i]);
  printf("done\n");
  finish(0);
}

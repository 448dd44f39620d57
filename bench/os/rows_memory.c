/* Rows: memory. */
#include <sys/mman.h>

#include "bench/os/row.h"

enum { kPage = 4096, kPages = 32 };

static char* region;

static void map_touch(unsigned n) {
  for (unsigned i = 0; i < n; ++i) {
    char* at = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) give_up("mmap");
    *(volatile char*)at = 1;
    must(munmap(at, kPage), "munmap");
  }
}

static void make_region(void) {
  region = mmap(0, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED) give_up("mmap");
}
static void empty_region(void) { must(madvise(region, kPages * kPage, MADV_DONTNEED), "madvise"); }
static void remove_region(void) { munmap(region, kPages * kPage); }
static void fault(unsigned n) {
  for (unsigned i = 0; i < n; ++i) *(volatile char*)(region + i * kPage) = 1;
}

const struct row memory_rows[] = {
    {"mmap-touch-page", 10, 20, map_touch, 0, 0, 0},
    {"page-fault", kPages, 20, fault, make_region, empty_region, remove_region},
    {0},
};

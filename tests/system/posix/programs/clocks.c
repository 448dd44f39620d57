// Clocks without a call: the vDSO is there, says what the calls say, and no thread or child sees time go backwards [C4.06].
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "tests/system/posix/programs/check.h"

typedef int64_t Time;
static Time time_of(struct timespec t) { return (Time)t.tv_sec * 1000000000 + t.tv_nsec; }
static Time by_library(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return time_of(t);
}
static Time by_call(clockid_t clock) {
  struct timespec t;
  syscall(SYS_clock_gettime, clock, &t);
  return time_of(t);
}

static const char* vdso;
static const ElfW(Sym) * symbols;
static const char* names;
static const uint32_t* hash;
static const uint16_t* versions;
static const ElfW(Verdef) * definitions;

static int open_vdso(void) {
  vdso = (const char*)getauxval(AT_SYSINFO_EHDR);
  if (!vdso || memcmp(vdso, ELFMAG, SELFMAG) != 0) return 0;
  const ElfW(Ehdr)* header = (const void*)vdso;
  const ElfW(Phdr)* parts = (const void*)(vdso + header->e_phoff);
  const ElfW(Dyn)* entry = NULL;
  for (int i = 0; i != header->e_phnum; ++i)
    if (parts[i].p_type == PT_DYNAMIC) entry = (const void*)(vdso + parts[i].p_vaddr);
  for (; entry && entry->d_tag != DT_NULL; ++entry) {
    const void* at = vdso + entry->d_un.d_ptr;
    if (entry->d_tag == DT_SYMTAB) symbols = at;
    if (entry->d_tag == DT_STRTAB) names = at;
    if (entry->d_tag == DT_HASH) hash = at;
    if (entry->d_tag == DT_VERSYM) versions = at;
    if (entry->d_tag == DT_VERDEF) definitions = at;
  }
  return symbols && names && versions && definitions;
}
static const char* version_of(unsigned number) {
  for (const ElfW(Verdef)* d = definitions;; d = (const void*)((const char*)d + d->vd_next)) {
    const ElfW(Verdaux)* aux = (const void*)((const char*)d + d->vd_aux);
    if ((d->vd_ndx & 0x7fff) == (versions[number] & 0x7fff)) return names + aux->vda_name;
    if (d->vd_next == 0) return "none";
  }
}
static void* find(const char* name) {
  // Newer vDSOs have the GNU table only; the symbols end where the strings begin.
  const unsigned count =
      hash ? hash[1] : (unsigned)(((const char*)names - (const char*)symbols) / sizeof *symbols);
  for (unsigned i = 1; i < count; ++i)
    if (symbols[i].st_shndx != SHN_UNDEF && strcmp(names + symbols[i].st_name, name) == 0 &&
        strcmp(version_of(i), "LINUX_2.6") == 0)
      return (void*)(vdso + symbols[i].st_value);
  return NULL;
}

static void image(void) {
  static const char* const kNames[] = {"__vdso_clock_gettime", "__vdso_clock_getres", "__vdso_gettimeofday",
                                       "__vdso_time", "__vdso_getcpu"};
  say("vdso: %d", open_vdso());
  for (int i = 0; i != 5; ++i) say("%s: %d", kNames[i], find(kNames[i]) != NULL);
  char line[256], found[64];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) {
    unsigned long start, end;
    char rights[8];
    found[0] = 0;
    if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %63s", &start, &end, rights, found) < 3) continue;
    if (strcmp(found, "[vdso]") == 0) say("%s %s %d", found, rights, start == (unsigned long)vdso);
    if (strcmp(found, "[vvar]") == 0) say("%s %s %d", found, rights, start < (unsigned long)vdso);
  }
  fclose(maps);
}

static void functions(void) {
  int (*gettime)(clockid_t, struct timespec*) = find("__vdso_clock_gettime");
  int (*getres)(clockid_t, struct timespec*) = find("__vdso_clock_getres");
  int (*gettimeofday_)(struct timeval*, struct timezone*) = find("__vdso_gettimeofday");
  time_t (*time_)(time_t*) = find("__vdso_time");
  int (*getcpu_)(unsigned*, unsigned*, void*) = find("__vdso_getcpu");
  struct timespec t = {-1, -1};
  // Not those that wake the machine (8 and 9), which not every Linux has.
  static const int kClocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 31, 32, 33, 64, 0x7fffffff};
  for (unsigned i = 0; i != sizeof kClocks / sizeof *kClocks; ++i)
    say("clock %d: %d", kClocks[i], gettime(kClocks[i], &t));
  say("resolution: %d, %ld.%ld; none %d", getres(CLOCK_MONOTONIC, &t), t.tv_sec, t.tv_nsec,
      getres(CLOCK_REALTIME, NULL));
  struct timeval v = {-1, -1};
  struct timezone zone = {7, 7};
  say("gettimeofday: %d %d, zone %d", gettimeofday_(&v, &zone), v.tv_usec >= 0 && v.tv_usec < 1000000,
      zone.tz_minuteswest);
  say("nothing: %d", gettimeofday_(NULL, NULL));
  time_t told = 0;
  const time_t now = time_(&told);
  say("time: %d %d", now == told, (uint64_t)(now - v.tv_sec + 1) <= 3);
  unsigned cpu = ~0u, node = ~0u;
  say("getcpu: %d, a cpu %d, node %u", getcpu_(&cpu, &node, NULL), (long)cpu < sysconf(_SC_NPROCESSORS_CONF),
      node);
}

static void agreement(void) {
  static const clockid_t kClocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
  for (int i = 0; i != 4; ++i) {
    int backwards = 0;
    Time last = by_library(kClocks[i]);
    for (int j = 0; j != 500; ++j) {
      const Time now = j % 2 ? by_library(kClocks[i]) : by_call(kClocks[i]);
      backwards += now < last;
      last = now;
    }
    say("clock %d: %d times backwards", kClocks[i], backwards);
  }
  int early = 0;
  for (int i = 0; i != 20; ++i) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 300000;
    if (until.tv_nsec >= 1000000000) ++until.tv_sec, until.tv_nsec -= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    early += by_library(CLOCK_MONOTONIC) < time_of(until);
  }
  say("%d sleeps too short", early);
}

// Each says a time only after it has seen the last one that anybody said.
struct Shared {
  atomic_flag busy;
  Time last;
  int backwards;
};
static struct Shared* shared;
static void* watching(void* unused) {
  for (int i = 0; i != 3000; ++i) {
    while (atomic_flag_test_and_set(&shared->busy)) sched_yield();
    const Time now = by_library(CLOCK_MONOTONIC);
    shared->backwards += now < shared->last;
    shared->last = now;
    atomic_flag_clear(&shared->busy);
  }
  return unused;
}
static void everywhere(void) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_t threads[4];
  pid_t children[3];
  for (int i = 0; i != 3; ++i)
    if ((children[i] = fork()) == 0) _exit(watching(NULL) != NULL);
  for (int i = 0; i != 4; ++i) pthread_create(&threads[i], NULL, watching, NULL);
  for (int i = 0; i != 4; ++i) pthread_join(threads[i], NULL);
  for (int i = 0; i != 3; ++i) waitpid(children[i], NULL, 0);
  say("threads and processes: %d times backwards", shared->backwards);
}

static void write_code(void) { *(volatile char*)vdso = 0; }
static void run_without(void) {
  munmap((void*)vdso, 4096);
  int (*gettime)(clockid_t, struct timespec*) = find("__vdso_clock_gettime");
  gettime(CLOCK_MONOTONIC, NULL);
}
static void change_own(void) {
  // What it writes is its own copy, and what it unmaps its own mapping.
  if (mprotect((void*)vdso, 4096, PROT_READ | PROT_WRITE) == 0) memset((void*)(vdso + 64), 0xcc, 1024);
  munmap((void*)vdso, 4096);
  say("and still there: %d", by_call(CLOCK_MONOTONIC) > 0);
}

int main(void) {
  image();
  functions();
  agreement();
  everywhere();
  in_child("writes to the vdso", write_code);
  in_child("unmaps it", run_without);
  in_child("spoils it", change_own);
  say("and here: %d", by_library(CLOCK_MONOTONIC) <= by_call(CLOCK_MONOTONIC));
  return 0;
}

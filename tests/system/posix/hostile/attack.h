// What the hostile programs share: numbers by seed, children that may end in any way, and books that have to balance.
#pragma once
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t state;
static inline uint64_t next(void) {  // xorshift64*
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1dull;
}

static inline void seed(uint64_t number) { state = (number + 1) * 0x9e3779b97f4a7c15ull | 1; }

static inline void sleep_us(long microseconds) {
  const struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
  nanosleep(&time, NULL);
}

static inline double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/// Its status as wait has it; -1 when there is no such child, -2 when it does not even heed SIGKILL. `wake` is sent to it
/// while it is waited for; 0 is none.
static inline int end_of(pid_t child, int patience, int wake) {
  double killed = 0;
  for (int i = 0;; ++i) {
    int status = -1;
    const pid_t got = waitpid(child, &status, WNOHANG);
    if (got == child) return status;
    if (got == -1 && errno != EINTR) return -1;
    if (killed != 0 && seconds() - killed > 20) return -2;
    if (i >= patience) {
      if (killed == 0) killed = seconds();
      kill(child, SIGKILL);
    } else if (i >= 10 && wake != 0) {
      kill(child, wake);
    }
    sleep_us(i < 10 ? 100 : 500);
  }
}

static inline _Noreturn void finish(int status, const char* why) {
  printf("%s (errno %d)\n", why, errno);
  fflush(stdout);
  _exit(status);
}

/// How children ended.
struct ends {
  int well, killed, crashed, other;
};

static inline void count_end(struct ends* ends, int status) {
  ends->well += WIFEXITED(status) && WEXITSTATUS(status) == 7;
  ends->killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  ends->crashed += WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL;
  ends->other += WIFEXITED(status) && WEXITSTATUS(status) != 7;
}

/// What the system has, in pages or pieces.
struct books {
  long free, processes, descriptors;
};

static inline long entries(const char* path) {
  DIR* folder = opendir(path);
  if (folder == NULL) return -1;
  long count = 0;
  for (const struct dirent* entry = readdir(folder); entry != NULL; entry = readdir(folder))
    count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
  closedir(folder);
  return count;
}

static inline struct books take_books(void) {
  struct books its = {-1, entries("/proc"), entries("/proc/self/fd")};
  char line[256];
  FILE* file = fopen("/proc/meminfo", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "MemFree: %ld", &its.free) == 1) break;
  }
  if (file != NULL) fclose(file);
  its.free /= 4;
  return its;
}

/// What children have done, where they and their parent see it.
static uint64_t* done;
enum { kDone, kDoneCount = 8 };

static inline int share_counters(void) {
  done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return done != MAP_FAILED;
}
static inline void count_round(void) { __atomic_fetch_add(&done[kDone], 1, __ATOMIC_RELAXED); }
static inline uint64_t rounds(void) { return __atomic_load_n(&done[kDone], __ATOMIC_RELAXED); }

/// As end_of, of a child that counts rounds: it gets `wake` when it does none for a while, then SIGKILL, and that too when it
/// has done `most` looks' worth of them.
static inline int end_of_worker(pid_t child, int most, int wake) {
  enum { kAsleep = 6, kGivenUp = 24 };
  uint64_t seen = rounds();
  double killed = 0;
  for (int look = 0, still = 0;; ++look) {
    int status = -1;
    const pid_t got = waitpid(child, &status, WNOHANG);
    if (got == child) return status;
    if (got == -1 && errno != EINTR) return -1;
    if (killed != 0 && seconds() - killed > 20) return -2;
    still = rounds() == seen ? still + 1 : 0;
    seen = rounds();
    if (still >= kGivenUp || look >= most) {
      if (killed == 0) killed = seconds();
      kill(child, SIGKILL);
    } else if (still >= kAsleep && wake != 0) {
      kill(child, wake);
    }
    sleep_us(look < 10 ? 100 : 500);
  }
}

/// All but the first process are gone. They are nobody's children, so it takes until they are not seen.
static inline void sweep(void) {
  for (int i = 0; i != 2000 && entries("/proc") > 1; ++i) {
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    sleep_us(1000);
  }
}

/// Whether there are as many processes and descriptors as before, and as many pages but for those that tables of the LibOS
/// need from then on.
static inline int balanced(const struct books* before, const struct books* after, long pages) {
  return after->processes == before->processes && after->descriptors == before->descriptors &&
         after->free >= before->free - pages;
}

static inline void tell(int children, const struct ends* ends) {
  const struct books now = take_books();
  printf(
      "%.1f s, %d children: %d to the end, %d killed, %d crashed, %d otherwise; %ld pages free, %ld processes\n",
      seconds(), children, ends->well, ends->killed, ends->crashed, ends->other, now.free, now.processes);
  fflush(stdout);
}

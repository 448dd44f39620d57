// What the hostile programs share: numbers by seed, children that may end in any way, and books that have to balance.
#pragma once
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
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
  // Away from all else.
  done = mmap((void*)0x300000000000, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return done != MAP_FAILED;
}
static inline void count_round(void) { __atomic_fetch_add(&done[kDone], 1, __ATOMIC_RELAXED); }
static inline uint64_t rounds(void) { return __atomic_load_n(&done[kDone], __ATOMIC_RELAXED); }

/// As end_of, of a child that counts rounds: it gets `wake` when it does none for a while, then SIGKILL, and that too when it
/// has done `most` looks' worth of them.
static inline int end_of_worker(pid_t child, int most, int wake) {
  enum { kAsleep = 10, kGivenUp = 40 };
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

/// All that is in a folder. Root's, so nothing is in the way.
static inline void remove_below(const char* path) {
  DIR* folder = opendir(path);
  if (folder == NULL) return;
  for (const struct dirent* entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    char name[512];
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name) continue;
    if (entry->d_type == DT_DIR) remove_below(name);
    if (remove(name) == 0) rewinddir(folder);
  }
  closedir(folder);
}

/// Once nobody else is there and what children left is removed.
static inline struct books clear_books(void) {
  sweep();
  struct shmid_ds segment;
  struct msqid_ds queue;
  struct semid_ds set;
  for (int i = shmctl(0, SHM_INFO, &segment); i >= 0; --i)
    shmctl(shmctl(i, SHM_STAT, &segment), IPC_RMID, NULL);
  for (int i = msgctl(0, MSG_INFO, &queue); i >= 0; --i) msgctl(msgctl(i, MSG_STAT, &queue), IPC_RMID, NULL);
  for (int i = semctl(0, 0, SEM_INFO, &set); i >= 0; --i) semctl(semctl(i, 0, SEM_STAT, &set), 0, IPC_RMID);
  remove_below("/tmp");
  return take_books();
}

/// Whether the LibOS does what it did: starts a program, tells of itself, and nothing of what was done is left.
static inline int well_after(const struct books* before) {
  enum { kPages = 1024 };
  const struct books now = clear_books();
  printf("free %ld of %ld, processes %ld of %ld, descriptors %ld of %ld\n", now.free, before->free,
         now.processes, before->processes, now.descriptors, before->descriptors);
  if (!balanced(before, &now, kPages)) return 0;
  const int self = open("/proc/self/exe", O_RDONLY);
  fchmod(self, 0755);  // nobody may know by now
  close(self);
  const pid_t child = fork();
  if (child == 0) {
    char* const words[] = {"after", NULL};
    execve("/proc/self/exe", words, words + 1);
    _exit(errno);
  }
  int status = 0;
  const pid_t ended = waitpid(child, &status, 0);
  if (ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 7) return 1;
  printf("a program ends with %x\n", (unsigned)status);
  return 0;
}

/// That program.
static inline int after(void) {
  const struct books now = take_books();
  return now.processes == 2 && now.free > 0 && entries("/proc/self/task") == 1 ? 7 : 200;
}

static inline void tell(int children, const struct ends* ends) {
  const struct books now = take_books();
  printf(
      "%.1f s, %d children: %d to the end, %d killed, %d crashed, %d otherwise; %ld pages free, %ld processes\n",
      seconds(), children, ends->well, ends->killed, ends->crashed, ends->other, now.free, now.processes);
  fflush(stdout);
}

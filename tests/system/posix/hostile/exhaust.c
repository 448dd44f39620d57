// Whoever takes all there is gets an errno or is killed, and when it is gone all is there again [C4.01]. Each step is
// done by a child; its parent then makes a child, and sees that pages, processes and descriptors are what they were.
// Ends with 0 if so. Arguments: the steps, or none for all.
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "tests/system/posix/hostile/attack.h"

enum { kPage = 4096, kMost = 1 << 20 };

static _Noreturn void end_with(int wanted, const char* what, long count) {
  printf("  %s: %ld, then %s\n", what, count, strerrorname_np(errno));
  fflush(stdout);
  _exit(errno == wanted ? 7 : 1);
}

static _Noreturn void as_user(int user) {
  if (setresuid((uid_t)user, (uid_t)user, (uid_t)user) != 0) _exit(2);
  long made = 0;
  for (;; ++made) {
    const pid_t child = fork();
    if (child == -1) break;
    if (child == 0)
      for (;;) pause();
  }
  if (errno == ENOMEM) errno = EAGAIN;  // of a small machine
  end_with(EAGAIN, "children", made);
}

static void forks(void) { as_user(0); }
static void forks_of_user(void) { as_user(1000); }
static void forks_with_limit(void) {
  const struct rlimit few = {20, 20};
  if (setrlimit(RLIMIT_NPROC, &few) != 0) _exit(3);
  if (setresuid(1001, 1001, 1001) != 0) _exit(2);
  int made = 0;
  while (made != 1000) {
    const pid_t child = fork();
    if (child == -1) break;
    if (child == 0)
      for (;;) pause();
    ++made;
  }
  if (made != 19) errno = ERANGE;  // it is one of the 20
  end_with(EAGAIN, "children of 20", made);
}

/// All of them fork, none waits: until the system is full. Ended from outside.
static void bomb(void) {
  if (setresuid(1000, 1000, 1000) != 0) _exit(2);
  for (;;) fork();
}

static void* sleeper(void* nothing) {
  for (;;) pause();
  return nothing;
}
static void threads(void) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
  long made = 0;
  pthread_t thread;
  int error = 0;
  for (; made != kMost; ++made) {
    error = pthread_create(&thread, &small, sleeper, NULL);
    if (error != 0) break;
  }
  errno = error;
  end_with(EAGAIN, "threads", made);
}

static void descriptors(void) {
  long made = 0;
  while (dup(0) != -1) ++made;
  end_with(EMFILE, "descriptors", made);
}

static void more_descriptors(long limit) {
  const struct rlimit many = {(rlim_t)limit, (rlim_t)limit};
  setrlimit(RLIMIT_NOFILE, &many);
}

/// Makes and fills `kind` until nothing goes any more: of descriptors, or of memory.
static void fill(int kind) {
  static char block[65536];
  more_descriptors(1 << 16);
  long pairs = 0;
  int pair[2];
  for (;; ++pairs) {
    const int made = kind == 0 ? pipe2(pair, O_NONBLOCK) : socketpair(AF_UNIX, kind | SOCK_NONBLOCK, 0, pair);
    if (made != 0) break;
    if (kind == 0) fcntl(pair[1], F_SETPIPE_SZ, 1 << 20);
    while (write(pair[1], block, kind == SOCK_STREAM || kind == 0 ? sizeof block : 4000) > 0) {
    }
    if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) end_with(0, "a write", pairs);
    if (errno == ENOMEM) break;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS) errno = ENOMEM;
  end_with(ENOMEM, "pairs", pairs);
}
static void pipes(void) { fill(0); }
static void streams(void) { fill(SOCK_STREAM); }
static void datagrams(void) { fill(SOCK_DGRAM); }

static void memory(void) {
  for (long made = 0;; ++made) {
    char* const at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) end_with(ENOMEM, "megabytes", made);
    memset(at, 1, 1 << 20);
  }
}

static void shared_memory(void) {
  const int file = memfd_create("m", 0);
  char* const at = mmap(NULL, 1ul << 32, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) end_with(ENOMEM, "mappings", 0);
  if (ftruncate(file, 1l << 32) != 0) end_with(0, "files", 0);
  for (long i = 0; i != 1 << 20; ++i) at[i * kPage] = 1;
}

/// Pages of the kernel's that the program never sees.
static void page_tables(void) {
  for (unsigned long at = 1ul << 32; at < 1ul << 46; at += 1ul << 21) {
    char* const page =
        mmap((void*)at, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (page == MAP_FAILED) end_with(ENOMEM, "places", (long)(at >> 21));
    *page = 1;
  }
}

static void areas(void) {
  char* const at = mmap(NULL, 1ul << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  long made = 0;
  for (; made != 1 << 17; ++made)
    if (mprotect(at + made * 2 * kPage, kPage, PROT_NONE) != 0) end_with(ENOMEM, "areas", made * 2);
}

static void read_memory_of_files(void) {
  more_descriptors(1 << 16);
  static char block[1 << 16];
  long made = 0;
  const int file = open("/tmp/big", O_CREAT | O_RDWR | O_TRUNC, 0600);
  while (write(file, block, sizeof block) > 0) ++made;
  unlink("/tmp/big");
  end_with(ENOSPC, "blocks of a file", made);
}

static void small_files(void) {
  char path[64];
  mkdir("/tmp/many", 0700);
  if (chdir("/tmp/many") != 0) _exit(2);
  long made = 0;
  for (; made != 1 << 20; ++made) {
    snprintf(path, sizeof path, "file%ld", made);
    const int file = open(path, O_CREAT | O_RDWR, 0600);
    if (file == -1 || write(file, "x", 1) != 1) break;
    close(file);
  }
  const int why = errno;
  for (long i = 0; i <= made; ++i) {
    snprintf(path, sizeof path, "file%ld", i);
    unlink(path);
  }
  rmdir("/tmp/many");
  errno = why == ENOMEM ? ENOSPC : why;
  end_with(ENOSPC, "files", made);
}

static void deep(void) {
  mkdir("/tmp/deep", 0700);
  if (chdir("/tmp/deep") != 0) _exit(2);
  long made = 0;
  for (; made != 20000; ++made)
    if (mkdir("d", 0700) != 0 || chdir("d") != 0) break;
  char room[PATH_MAX];
  if (getcwd(room, sizeof room) != NULL) _exit(3);
  const int why = errno;
  for (long i = 0; i != made; ++i)
    if (chdir("..") != 0 || rmdir("d") != 0) _exit(4);
  rmdir("/tmp/deep");
  errno = why;
  end_with(ERANGE, "folders", made);
}

static void links(void) {
  char from[32] = "/tmp", to[32];
  long i = 0;
  struct stat status;
  for (;; ++i) {
    snprintf(to, sizeof to, "/tmp/link%ld", i);
    if (symlink(from, to) != 0 || stat(to, &status) != 0) break;
    strcpy(from, to);
  }
  const int why = errno;
  for (long j = 0; j <= i; ++j) {
    snprintf(to, sizeof to, "/tmp/link%ld", j);
    unlink(to);
  }
  errno = why;
  end_with(ELOOP, "links", i);
}

static void watches(void) {
  more_descriptors(1 << 16);
  long made = 0;
  for (;; ++made) {
    const int its[] = {eventfd(0, 0), timerfd_create(CLOCK_MONOTONIC, 0), inotify_init1(0), epoll_create1(0)};
    for (int i = 0; i != 4; ++i)
      if (its[i] == -1) end_with(errno == EMFILE || errno == ENFILE ? errno : ENOMEM, "queues", made);
    const struct itimerspec soon = {{1, 0}, {1, 0}};
    timerfd_settime(its[1], 0, &soon, NULL);
    inotify_add_watch(its[2], "/tmp", IN_ALL_EVENTS);
    struct epoll_event event = {.events = EPOLLIN};
    for (int i = 0; i != 3; ++i) epoll_ctl(its[3], EPOLL_CTL_ADD, its[i], &event);
  }
}

static void inotify_events(void) {
  const int queue = inotify_init1(O_NONBLOCK);
  inotify_add_watch(queue, "/tmp", IN_ALL_EVENTS);
  for (int i = 0; i != 40000; ++i) {
    close(open(i % 2 ? "/tmp/x" : "/tmp/y", O_CREAT | O_RDWR, 0600));
  }
  unlink("/tmp/x");
  unlink("/tmp/y");
  int waiting = 0;
  ioctl(queue, FIONREAD, &waiting);
  errno = waiting < 1 << 22 ? EAGAIN : 0;
  end_with(EAGAIN, "bytes of events", waiting);
}

static void segments(void) {
  long made = 0;
  int ids[5000];
  for (; made != 5000; ++made) {
    ids[made] = shmget(IPC_PRIVATE, 1 << 20, 0600);
    if (ids[made] == -1) break;
    char* const at = shmat(ids[made], NULL, 0);
    if (at == (void*)-1) break;
    shmctl(ids[made], IPC_RMID, NULL);
    at[0] = 1;
  }
  const int why = errno == ENOMEM ? ENOSPC : errno;
  if (made != 5000) shmctl(ids[made], IPC_RMID, NULL);
  errno = why;
  end_with(ENOSPC, "segments", made);
}

static void messages(void) {
  static struct {
    long type;
    char text[8192];
  } message = {1, ""};
  static int ids[40000];
  long made = 0, sent = 0;
  for (; made != 40000; ++made) {
    ids[made] = msgget(IPC_PRIVATE, 0600);
    if (ids[made] == -1) break;
    while (msgsnd(ids[made], &message, sizeof message.text, IPC_NOWAIT) == 0) ++sent;
    if (errno != EAGAIN) break;
  }
  const int why = errno == ENOMEM ? ENOSPC : errno;
  for (long i = 0; i <= made && i != 40000; ++i) msgctl(ids[i], IPC_RMID, NULL);
  errno = why;
  end_with(ENOSPC, "messages", sent);
}

static void semaphores(void) {
  static int ids[40000];
  long made = 0;
  for (; made != 40000; ++made) {
    ids[made] = semget(IPC_PRIVATE, 250, 0600);
    if (ids[made] == -1) break;
    struct sembuf one = {0, 1, SEM_UNDO};
    semop(ids[made], &one, 1);
  }
  const int why = errno == ENOMEM ? ENOSPC : errno;
  for (long i = 0; i != made; ++i) semctl(ids[i], 0, IPC_RMID);
  errno = why;
  end_with(ENOSPC, "sets", made);
}

static void terminals(void) {
  more_descriptors(4096);
  long made = 0;
  while (open("/dev/ptmx", O_RDWR | O_NOCTTY) != -1) ++made;
  end_with(ENOSPC, "terminals", made);
}

static void queued_signals(void) {
  const struct rlimit few = {100, 100};
  if (setrlimit(RLIMIT_SIGPENDING, &few) != 0) _exit(3);
  if (setresuid(1002, 1002, 1002) != 0) _exit(2);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  long sent = 0;
  const union sigval value = {0};
  while (sent != 100000 && sigqueue(getpid(), SIGRTMIN, value) == 0) ++sent;
  if (sent != 100) errno = ERANGE;
  end_with(EAGAIN, "signals of 100", sent);
}

static void arguments(void) {
  enum { kWords = 4000 };
  static char* words[kWords + 1];
  static char text[1024];
  memset(text, 'a', sizeof text - 1);
  for (int i = 0; i != kWords; ++i) words[i] = text;
  execv("/proc/self/exe", words);
  end_with(E2BIG, "arguments", kWords);
}

/// A thread in every kind of wait.
static int pair[2], streams_of_storm[2];
static uint32_t word;
static void* waits(void* argument) {
  struct pollfd which = {.fd = pair[0], .events = POLLIN};
  struct epoll_event event = {.events = EPOLLIN};
  const struct timespec long_time = {1000, 0};
  char byte[16];
  sigset_t none;
  sigemptyset(&none);
  switch ((intptr_t)argument) {
    case 0:
      read(pair[0], byte, 1);
      break;
    case 1:
      poll(&which, 1, -1);
      break;
    case 2: {
      const int queue = epoll_create1(0);
      epoll_ctl(queue, EPOLL_CTL_ADD, pair[0], &event);
      epoll_wait(queue, &event, 1, -1);
      break;
    }
    case 3:
      syscall(SYS_futex, &word, 0, 0, NULL, NULL, 0);
      break;
    case 4:
      nanosleep(&long_time, NULL);
      break;
    case 5:
      recv(streams_of_storm[0], byte, 1, 0);
      break;
    case 6:
      sigsuspend(&none);
      break;
    case 7:
      read(open("/dev/ptmx", O_RDWR | O_NOCTTY), byte, 1);
      break;
    case 8:
      read(eventfd(0, 0), byte, 8);
      break;
    case 9:
      if (vfork() == 0)
        for (;;) pause();
      break;
    case 10:
      for (;;) sched_yield();
    case 11:
      for (;;)
        munmap(mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0),
               1 << 16);
    case 12:
      while (write(pair[1], byte, 16) > 0) {
      }
      break;
    default:
      syscall(SYS_futex, &word, 128, 0, &long_time, NULL, 0);
  }
  for (;;) pause();
}
static void storm(void) {
  enum { kChildren = 60, kWaits = 14 };
  pid_t children[kChildren];
  for (int i = 0; i != kChildren; ++i) {
    children[i] = fork();
    if (children[i] == -1) end_with(0, "children of the storm", i);
    if (children[i] != 0) continue;
    setpgid(0, 0);
    if (pipe(pair) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, streams_of_storm) != 0) _exit(1);
    for (intptr_t j = 0; j != kWaits; ++j) {
      pthread_attr_t small;
      pthread_attr_init(&small);
      pthread_attr_setstacksize(&small, 32768);
      pthread_t thread;
      pthread_create(&thread, &small, waits, (void*)((j + i) % kWaits));
    }
    for (;;) pause();
  }
  sleep_us(100000);
  for (int i = 0; i != kChildren; ++i) kill(-children[i], SIGKILL), kill(children[i], SIGKILL);
  for (int i = 0; i != kChildren; ++i) {
    int status = 0;
    if (waitpid(children[i], &status, 0) != children[i] || !WIFSIGNALED(status))
      end_with(0, "child of the storm", i);
  }
  errno = 0;
  end_with(0, "children killed", kChildren);
}

static const struct step {
  const char* name;
  void (*run)(void);
  int may_die;   ///< killed by SIGKILL or SIGBUS, as no memory is left
  int patience;  ///< looks at it, or 0: until it ends
} kSteps[] = {
    {"forks", forks, 1, 0},
    {"forks_of_user", forks_of_user, 1, 0},
    {"forks_with_limit", forks_with_limit, 0, 0},
    {"bomb", bomb, 1, 20},
    {"threads", threads, 0, 0},
    {"descriptors", descriptors, 0, 0},
    {"pipes", pipes, 1, 0},
    {"streams", streams, 1, 0},
    {"datagrams", datagrams, 1, 0},
    {"memory", memory, 1, 0},
    {"shared_memory", shared_memory, 1, 0},
    {"page_tables", page_tables, 1, 0},
    {"areas", areas, 1, 0},
    {"files", read_memory_of_files, 1, 0},
    {"small_files", small_files, 1, 0},
    {"deep", deep, 0, 0},
    {"links", links, 0, 0},
    {"watches", watches, 1, 0},
    {"inotify", inotify_events, 0, 0},
    {"segments", segments, 1, 0},
    {"messages", messages, 1, 0},
    {"semaphores", semaphores, 1, 0},
    {"terminals", terminals, 0, 0},
    {"signals", queued_signals, 0, 0},
    {"arguments", arguments, 0, 0},
    {"storm", storm, 0, 0},
};

static int run(const struct step* step) {
  const struct books before = take_books();
  const double start = seconds();
  const pid_t child = fork();
  if (child == -1) finish(2, "no more children");
  if (child == 0) {
    setpgid(0, 0);
    step->run();
    errno = 0;
    end_with(0, "all of it", 0);
  }
  const int status = end_of(child, step->patience != 0 ? step->patience : 60000, 0);
  const double ended = seconds();
  sweep();
  const struct books after = take_books();
  const int died = WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGBUS);
  const int well =
      (WIFEXITED(status) && WEXITSTATUS(status) == 7) || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
  const int fits = status >= 0 && (well || (died && step->may_die)) && balanced(&before, &after, 512);
  printf(
      "%s: %s; status %x, %.1f and %.1f s; free %ld of %ld, processes %ld of %ld, descriptors %ld of %ld\n",
      step->name, fits ? "ok" : "WRONG", (unsigned)status, ended - start, seconds() - ended, after.free,
      before.free, after.processes, before.processes, after.descriptors, before.descriptors);
  fflush(stdout);
  return fits;
}

int main(int count, char** words) {
  if (words[0][0] == 'a') return 0;
  int wrong = 0;
  static char stdout_room[4096];
  setvbuf(stdout, stdout_room, _IOFBF, sizeof stdout_room);
  for (size_t i = 0; i != sizeof kSteps / sizeof *kSteps; ++i) {
    int chosen = count < 2;
    for (int j = 1; j < count; ++j) chosen |= strcmp(words[j], kSteps[i].name) == 0;
    if (chosen) wrong += !run(&kSteps[i]);
  }
  return wrong == 0 ? 0 : 1;
}

// Calls at random, near what is right: descriptors of every kind, structures that point to each other and reach into
// pages that are not there, threads that call while another unmaps what they point to [C4.01]. Ends with 0 if the parent
// can still make children, wait for them and kill them, its memory is as it was, and nothing of theirs is left.
// Arguments: how many calls at least, seed.
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "tests/system/posix/hostile/attack.h"

enum {
  kCalls = 400,
  kKept = 512,
  kNumbers = 460,
  kPages = 64,
  kPage = 4096,
  kThreads = 4,
  kPatience = 4000,
  kWarm = 20,
  kProcesses = 10
};

static uint64_t kept[kKept];
static char* room;
static int highest;

static void note(int descriptor) {
  if (descriptor > highest) highest = descriptor;
}

/// A few of every kind, from 3 on.
static void open_all(void) {
  int pair[2];
  if (pipe2(pair, O_NONBLOCK) == 0) note(pair[1]);
  if (pipe(pair) == 0) note(pair[1]);
  const int kinds[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (int i = 0; i != 3; ++i)
    if (socketpair(AF_UNIX, kinds[i], 0, pair) == 0) note(pair[1]);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "h%d", (int)getpid());
  bind(listener, (struct sockaddr*)&name, sizeof name);
  listen(listener, 4);
  note(listener);
  const int queue = epoll_create1(0), count = eventfd(1, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
  const struct itimerspec soon = {{0, 1000000}, {0, 1000000}};
  timerfd_settime(timer, 0, &soon, NULL);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT};
  for (int i = 3; i <= count; ++i) epoll_ctl(queue, EPOLL_CTL_ADD, i, &event);
  const int watch = inotify_init1(IN_NONBLOCK);
  inotify_add_watch(watch, "/tmp", IN_ALL_EVENTS);
  const int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  int zero = 0, number = 0;
  char path[32];
  ioctl(master, TIOCSPTLCK, &zero);
  ioctl(master, TIOCGPTN, &number);
  snprintf(path, sizeof path, "/dev/pts/%d", number);
  note(open(path, O_RDWR | O_NOCTTY));
  const int memory = memfd_create("m", MFD_ALLOW_SEALING);
  if (ftruncate(memory, 5 * kPage) != 0) note(memory);
  note(memory);
  note(open("/tmp", O_RDONLY | O_DIRECTORY));
  note(open("/proc/self/maps", O_RDONLY));
  note(open("/proc", O_RDONLY | O_DIRECTORY));
  note(open("/dev/zero", O_RDWR));
}

static const char* const kPaths[] = {"/tmp/a",
                                     "/tmp/b/c",
                                     "/tmp",
                                     "..",
                                     "",
                                     "/proc/self/fd/5",
                                     "/proc/self/maps",
                                     "/proc/self/mem",
                                     "/dev/null",
                                     "/dev/zero",
                                     "/proc/self/task",
                                     "/bin/calls",
                                     "/dev/pts",
                                     "/tmp/../../tmp/./a//",
                                     "/proc/1/stat",
                                     "."};
enum { kPathCount = sizeof kPaths / sizeof *kPaths };

static uint64_t argument(uint64_t* random);
static uint64_t roll(uint64_t* random) {
  *random ^= *random << 13;
  *random ^= *random >> 7;
  *random ^= *random << 17;
  return *random;
}

/// Words that could be fields: counts, descriptors, pointers into the room.
static void fill(uint64_t* random) {
  uint64_t* word = (uint64_t*)(room + kPage * (roll(random) % (kPages / 2)) + 8 * (roll(random) % 448));
  for (int i = 0; i != 16; ++i) word[i] = roll(random) % 4 == 0 ? roll(random) % 64 : argument(random);
}

static uint64_t argument(uint64_t* random) {
  switch (roll(random) % 12) {
    case 0:
      return roll(random) % 16;
    case 1:
      return (1ull << (roll(random) % 64)) + roll(random) % 3 - 1;
    case 2:
      return (uint64_t)room + roll(random) % (kPages * kPage);
    case 3:  // ends on the next page, which may not be there
      return (uint64_t)room + kPage * (1 + roll(random) % (kPages - 1)) - 4 * (roll(random) % 40);
    case 4:
      return (uint64_t)kPaths[roll(random) % kPathCount];
    case 5:
      return 0xffff800000000000ull + roll(random) % 0x10000;
    case 6:
      return -(roll(random) % 200);
    case 7:
      return (uint64_t)room + kPage * (roll(random) % kPages);
    case 8:
    case 9:
      return 3 + roll(random) % (uint64_t)(highest - 2);
    case 10:
      return roll(random) % 0x4000;
    default:
      return roll(random);
  }
}

static int forbidden(uint64_t number, int other_user, int returns, int multiplies) {
  switch (number) {
    case SYS_exit:
    case SYS_exit_group:
    case SYS_fork:
    case SYS_vfork:
    case SYS_clone:
    case SYS_clone3:
      return !multiplies;
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_rt_sigqueueinfo:
    case SYS_rt_tgsigqueueinfo:
    case SYS_pidfd_send_signal:
    case SYS_pidfd_open:
    case SYS_mount:
    case SYS_umount2:
    case SYS_prlimit64:
      return !other_user;
    case SYS_rt_sigreturn:
      return !returns;
    default:
      return 0;
  }
}

static void heed(int number) { (void)number; }

/// Signals that end waits come again and again, whatever calls have done to them.
static void heed_signals(void) {
  struct sigaction action = {.sa_handler = heed};
  const int signals[] = {SIGALRM, SIGUSR1, SIGXFSZ, SIGPIPE};
  for (int i = 0; i != 4; ++i) sigaction(signals[i], &action, NULL);
}
static void keep_awake(void) {
  heed_signals();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  const struct itimerval often = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &often, NULL);
}

struct part {
  uint64_t random;
  int other_user, returns, multiplies, calls;
  int first;  ///< thread of its process
};

static void* call_about(void* argument_of_thread) {
  struct part its = *(struct part*)argument_of_thread;
  uint64_t* const random = &its.random;
  for (int i = 0; i != its.calls; ++i) {
    const uint64_t number = roll(random) % 64 == 0 ? roll(random) : roll(random) % kNumbers;
    if (forbidden(number, its.other_user, its.returns, its.multiplies)) continue;
    if (i % 8 == 0)
      mmap(room, kPages / 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (i % 8 == 0) fill(random);
    uint64_t a[6];
    for (int j = 0; j != 6; ++j) a[j] = argument(random);
    if (roll(random) % 3 == 0) a[0] = 3 + roll(random) % (uint64_t)(highest - 2);
    syscall((long)number, a[0], a[1], a[2], a[3], a[4], a[5]);
    count_round();
    if (its.first && i % 32 == 31) keep_awake();
  }
  return NULL;
}

/// Takes the memory away that the others point to, and gives it back.
static void* move_about(void* argument_of_thread) {
  struct part its = *(struct part*)argument_of_thread;
  uint64_t* const random = &its.random;
  for (;;) {
    char* const at = room + kPage * (kPages / 2 + roll(random) % (kPages / 2 - 4));
    const size_t size = kPage * (1 + roll(random) % 4);
    switch (roll(random) % 6) {
      case 0:
        munmap(at, size);
        break;
      case 1:
        mprotect(at, size, roll(random) % 2 ? PROT_NONE : PROT_READ);
        break;
      case 2:
        madvise(at, size, MADV_DONTNEED);
        break;
      case 3:
        mremap(at, kPage, size, MREMAP_MAYMOVE | MREMAP_FIXED,
               room + kPage * (kPages / 2 + roll(random) % (kPages / 2 - 4)));
        break;
      default:
        mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    }
  }
  return NULL;
}

static void attack(uint64_t number) {
  struct part its = {.random = next() | 1,
                     .other_user = (int)(number % 2),
                     .returns = number % 4 == 0,
                     .multiplies = number % 8 == 7,
                     .calls = kCalls,
                     .first = 1};
  heed_signals();
  for (int i = 0; i != 3; ++i) close(i);
  open("/dev/null", O_RDWR);
  dup(0);
  dup(0);
  const struct rlimit size = {1 << 20, 1 << 20};
  setrlimit(RLIMIT_FSIZE, &size);
  const struct rlimit few = {kProcesses, kProcesses};
  setrlimit(RLIMIT_NPROC, &few);
  room = mmap(NULL, (kPages + 2) * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(room + (kPages - 1) * kPage, 3 * kPage);
  for (int i = 1; i < kPages / 2; i += 2)
    mprotect(room + (kPages / 2 + i) * kPage, kPage, i % 4 == 1 ? PROT_NONE : PROT_READ);
  open_all();
  if (its.other_user && setresuid(1000, 1000, 1000) != 0) _exit(1);
  if (number % 3 == 0) {
    for (int i = 0; i != kThreads; ++i) {
      struct part* const of_thread = malloc(sizeof *of_thread);
      pthread_t thread;
      *of_thread = its;
      of_thread->random = next() | 1;
      of_thread->first = 0;
      pthread_create(&thread, NULL, i == 0 ? move_about : call_about, of_thread);
    }
  }
  keep_awake();
  call_about(&its);
  syscall(SYS_exit_group, 7);
}

int main(int count, char** words) {
  const uint64_t wanted = count > 1 ? strtoull(words[1], NULL, 10) : 1;
  const uint64_t first = count > 2 ? strtoull(words[2], NULL, 10) : 0;
  if (words[0][0] == 'a') return after();
  printf("seed %llu\n", (unsigned long long)first);
  mkdir("/tmp/b", 0777);
  for (uint64_t i = 0; i != kKept; ++i) kept[i] = i * 0x9e3779b97f4a7c15ull;
  if (!share_counters()) finish(2, "no memory");
  struct ends ends = {0};
  struct books before = {0};
  uint64_t told = 0;
  int i = 0;
  for (; rounds() < wanted; ++i) {
    if (i == 0 || i == kWarm) before = clear_books();
    const uint64_t had = rounds();
    seed(first + (uint64_t)i);
    const pid_t child = fork();
    if (child == -1) finish(2, "no more children");
    if (child == 0) attack(first + (uint64_t)i);
    const int status = end_of_worker(child, kPatience, SIGUSR1);
    if (status < 0) {
      printf("child %d of seed %llu\n", i, (unsigned long long)first);
      finish(3, status == -2 ? "a child that cannot be killed" : "a child is lost");
    }
    count_end(&ends, status);
    if ((first + (uint64_t)i) % 8 == 7) sweep();  // the children that children made
    if (rounds() - had > kCalls * kThreads * kProcesses) done[kDone] = had;  // it has written there
    for (uint64_t j = 0; j != kKept; ++j)
      if (kept[j] != j * 0x9e3779b97f4a7c15ull) finish(4, "memory has changed");
    if (rounds() / 100000 != told) tell(i + 1, &ends);
    told = rounds() / 100000;
  }
  tell(i, &ends);
  printf("%llu calls\n", (unsigned long long)rounds());
  if (!well_after(&before)) finish(6, "something is left");
  // Some take away what they stand on, or wait for ever. Were it nearly all of them, there would be no attack.
  if (ends.well * 8 < i) finish(5, "hardly a child comes to its end");
  return 0;
}

/* Rows: two that wake each other in turn; an operation is there and back. */
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/os/row.h"

static int to_other[2], to_us[2];
static pid_t other;

/* Forks the one that answers each byte by a byte. */
static void answer(void) {
  other = (pid_t)must(fork(), "fork");
  if (other) {
    close(to_other[0]), close(to_us[1]);
    return;
  }
  close(to_other[1]), close(to_us[0]);
  char byte;
  while (read(to_other[0], &byte, 1) == 1 && write(to_us[1], &byte, 1) == 1) {
  }
  _exit(0);
}
static void with_pipes(void) {
  must(pipe(to_other), "pipe");
  must(pipe(to_us), "pipe");
  answer();
}
static void with_sockets(void) {
  int pair[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
  to_other[1] = pair[0], to_us[0] = dup(pair[0]);
  to_other[0] = pair[1], to_us[1] = dup(pair[1]);
  answer();
}
static void ask(unsigned n) {
  char byte = 'x';
  for (unsigned i = 0; i < n; ++i) {
    must(write(to_other[1], &byte, 1), "write");
    if (must(read(to_us[0], &byte, 1), "read") != 1) give_up("the other one has ended");
  }
}
static void leave(void) {
  close(to_other[1]), close(to_us[0]);
  must(waitpid(other, 0, 0), "waitpid");
}

static pthread_t thread;
static _Atomic uint32_t turn; /* even: ours */
static _Atomic int stop;

static void wait_for(uint32_t parity) {
  for (;;) {
    uint32_t now = turn;
    if ((now & 1) == parity) return;
    syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, now, 0, 0, 0);
  }
}
static void pass(void) {
  ++turn;
  syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}
static void* futex_other(void* unused) {
  for (;;) {
    wait_for(1);
    if (stop) return unused;
    pass();
  }
}
static void start(void* (*body)(void*)) {
  stop = 0;
  if (pthread_create(&thread, 0, body, 0)) give_up("pthread_create");
}
static void with_futex(void) { start(futex_other); }
static void futex_round(unsigned n) {
  for (unsigned i = 0; i < n; ++i) {
    pass();
    wait_for(0);
  }
}
static void futex_leave(void) {
  stop = 1;
  pass();
  pthread_join(thread, 0);
  turn = 0;
}

static int events[2], sets[2];

static void wake(int whom) {
  uint64_t one = 1;
  must(write(events[whom], &one, sizeof one), "write");
}
static void sleep_as(int who) {
  struct epoll_event event;
  uint64_t count;
  must(epoll_wait(sets[who], &event, 1, -1), "epoll_wait");
  must(read(events[who], &count, sizeof count), "read");
}
static void* epoll_other(void* unused) {
  for (;;) {
    sleep_as(1);
    if (stop) return unused;
    wake(0);
  }
}
static void with_epoll(void) {
  for (int i = 0; i < 2; ++i) {
    struct epoll_event wanted = {.events = EPOLLIN};
    events[i] = (int)must(eventfd(0, 0), "eventfd");
    sets[i] = (int)must(epoll_create1(0), "epoll_create1");
    must(epoll_ctl(sets[i], EPOLL_CTL_ADD, events[i], &wanted), "epoll_ctl");
  }
  start(epoll_other);
}
static void epoll_round(unsigned n) {
  for (unsigned i = 0; i < n; ++i) {
    wake(1);
    sleep_as(0);
  }
}
static void epoll_leave(void) {
  stop = 1;
  wake(1);
  pthread_join(thread, 0);
  for (int i = 0; i < 2; ++i) close(sets[i]), close(events[i]);
}

const struct row wake_rows[] = {
    {"pipe-pingpong", 10, 30, ask, with_pipes, 0, leave},
    {"unix-pingpong", 10, 30, ask, with_sockets, 0, leave},
    {"futex-pingpong", 10, 30, futex_round, with_futex, 0, futex_leave},
    {"epoll-wake", 10, 30, epoll_round, with_epoll, 0, epoll_leave},
    {0},
};

// Processes by descriptors: pidfd_open, pidfd_send_signal, pidfd_getfd, CLONE_PIDFD, waitid [C4.02].
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "tests/system/posix/programs/check.h"

static int pidfd_open_(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
static long send_(int fd, int number, siginfo_t* info, unsigned flags) {
  return syscall(SYS_pidfd_send_signal, fd, number, info, flags);
}
static int getfd(int fd, int target, unsigned flags) {
  return (int)syscall(SYS_pidfd_getfd, fd, target, flags);
}

static int events_of(int fd, int milliseconds) {
  struct pollfd file = {fd, POLLIN, 0};
  const int ready = poll(&file, 1, milliseconds);
  return ready < 0 ? -1 : file.revents;
}

static pid_t child_that_waits(void) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  return child;
}

static void opening(void) {
  say("0: %s", result(pidfd_open_(0, 0)));
  say("-1: %s", result(pidfd_open_(-1, 0)));
  say("none: %s", result(pidfd_open_(0x3fffff, 0)));
  say("flags: %s", result(pidfd_open_(getpid(), 1)));
  const int self = pidfd_open_(getpid(), 0);
  say("self: %s", result(self));
  say("closed by exec: %d", (fcntl(self, F_GETFD) & FD_CLOEXEC) != 0);
  say("does not block: %d", (fcntl(self, F_GETFL) & O_NONBLOCK) != 0);
  char byte;
  say("read: %s", result(read(self, &byte, 1)));
  say("write: %s", result(write(self, &byte, 1)));
  say("not yet: %d", events_of(self, 0));
  char path[64], line[128];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", self);
  FILE* const info = fopen(path, "r");
  while (info != NULL && fgets(line, sizeof line, info) != NULL) {
    if (strncmp(line, "Pid:", 4) == 0) say("fdinfo: %d", atoi(line + 4) == getpid());
  }
  if (info != NULL) fclose(info);
  snprintf(path, sizeof path, "/proc/self/fd/%d", self);
  const ssize_t length = readlink(path, line, sizeof line - 1);
  say("a link: %d", length > 0);
  close(self);
}

static volatile int heard, value, from_me;
static void on_signal(int number, siginfo_t* info, void* context) {
  (void)context;
  heard = number;
  value = info->si_value.sival_int;
  from_me = info->si_pid == getpid();
}

static void signals(void) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  const int self = pidfd_open_(getpid(), 0);
  say("send: %s", result(send_(self, SIGUSR1, NULL, 0)));
  say("heard: %d %d", heard == SIGUSR1, from_me);
  siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
  info.si_value.sival_int = 17;
  say("queue: %s", result(send_(self, SIGUSR1, &info, 0)));
  say("value: %d", value);
  say("another number: %s", result(send_(self, SIGUSR2, &info, 0)));
  say("ask: %s", result(send_(self, 0, NULL, 0)));
  say("no signal: %s", result(send_(self, 65, NULL, 0)));
  say("flags: %s", result(send_(self, SIGUSR1, NULL, 0x100)));
  say("no descriptor: %s", result(send_(999, SIGUSR1, NULL, 0)));
  say("a file: %s", result(send_(STDIN_FILENO, SIGUSR1, NULL, 0)));
  say("nowhere: %s", result(send_(self, SIGUSR1, (siginfo_t*)16, 0)));
  const pid_t child = child_that_waits();
  const int fd = pidfd_open_(child, 0);
  info.si_code = SI_USER;
  info.si_signo = SIGTERM;
  say("as if by kill: %s", result(send_(fd, SIGTERM, &info, 0)));
  say("kill: %s", result(send_(fd, SIGTERM, NULL, 0)));
  say("ended: %d", events_of(fd, 10000));
  say("to one that ended: %s", result(send_(fd, SIGTERM, NULL, 0)));
  int status = 0;
  waitpid(child, &status, 0);
  say_status("child", status);
  say("readable still: %d", (events_of(fd, 0) & POLLIN) != 0);
  say("gone: %s", result(send_(fd, SIGTERM, NULL, 0)));
  say("flags first: %s", result(send_(fd, SIGTERM, NULL, 0x100)));
  close(fd);
  close(self);
}

static void waiting(void) {
  const pid_t child = child_that_waits();
  const int fd = pidfd_open_(child, O_NONBLOCK);
  siginfo_t info = {0};
  say("now: %s", result(waitid(P_PIDFD, (id_t)fd, &info, WEXITED)));
  say("no hang: %s %d", result(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG)), info.si_pid);
  say("negative: %s", result(waitid(P_PIDFD, (id_t)-1, &info, WEXITED)));
  say("a file: %s", result(waitid(P_PIDFD, STDIN_FILENO, &info, WEXITED)));
  const int self = pidfd_open_(getpid(), 0);
  say("no child: %s", result(waitid(P_PIDFD, (id_t)self, &info, WEXITED)));
  close(self);
  const int poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 5};
  say("epoll: %s", result(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)));
  say("none yet: %d", epoll_wait(poller, &event, 1, 0));
  kill(child, SIGKILL);
  say("epoll_wait: %d %u", epoll_wait(poller, &event, 1, 10000), event.data.u32);
  say("keep: %s", result(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT)));
  say("wait: %s", result(waitid(P_PIDFD, (id_t)fd, &info, WEXITED)));
  say("who: %d %d %d", info.si_pid == child, info.si_code == CLD_KILLED, info.si_status);
  say("again: %s", result(waitid(P_PIDFD, (id_t)fd, &info, WEXITED)));
  close(fd);
  close(poller);
}

static void files(void) {
  int ends[2], ready[2];
  char byte = 0;
  if (pipe(ready) != 0) return;
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    if (pipe(ends) != 0 || dup2(ends[0], 50) != 50 || write(ends[1], "x", 1) != 1) _exit(1);
    if (write(ready[1], "r", 1) != 1) _exit(1);
    for (;;) pause();
  }
  say("ready: %s", result(read(ready[0], &byte, 1)));
  const int fd = pidfd_open_(child, 0);
  const int got = getfd(fd, 50, 0);
  say("getfd: %s", result(got));
  say("closed by exec: %d", (fcntl(got, F_GETFD) & FD_CLOEXEC) != 0);
  say("read: %s %c", result(read(got, &byte, 1)), byte);
  say("none there: %s", result(getfd(fd, 51, 0)));
  say("flags: %s", result(getfd(fd, 50, 1)));
  say("a file: %s", result(getfd(STDIN_FILENO, 50, 0)));
  kill(child, SIGKILL);
  say("ended: %d", events_of(fd, 10000));
  waitpid(child, NULL, 0);
  say("gone: %s", result(getfd(fd, 50, 0)));
  close(fd);
}

static void clones(void) {
  int fd = -1;
  fflush(stdout);
  long child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, 0);
  if (child == 0) _exit(fcntl(fd, F_GETFD) == -1 ? 3 : 4);
  say("clone: %s %d", result(child), fd > 2);
  siginfo_t info = {0};
  say("wait: %s", result(waitid(P_PIDFD, (id_t)fd, &info, WEXITED)));
  say("status: %d %d", info.si_pid == child, info.si_status);
  close(fd);
  struct clone_args args = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .exit_signal = SIGCHLD};
  int tid = 0;
  args.pidfd = (uintptr_t)&fd;
  args.parent_tid = (uintptr_t)&tid;
  child = syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) _exit(5);
  say("clone3: %s %d", result(child), tid == child);
  say("wait: %s", result(waitid(P_PIDFD, (id_t)fd, &info, WEXITED)));
  say("status: %d", info.si_status);
  close(fd);
  say("two numbers in one place: %s",
      result(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &fd, NULL, 0)));
  say("nowhere: %s", result(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, 16, NULL, 0)));
  say("nobody was made: %s", result(waitpid(-1, NULL, 0)));
}

int main(void) {
  opening();
  signals();
  waiting();
  files();
  clones();
  return 0;
}

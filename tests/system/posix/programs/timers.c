// Timers that send signals, signals that are read from files, and what a process sets about itself [C4.08].
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#include "tests/system/posix/programs/check.h"

static volatile sig_atomic_t count;
static volatile int last_value, last_code;
static void counting(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)context;
  ++count;
  last_value = info->si_value.sival_int;
  last_code = info->si_code;
}
static void handle(int number) {
  struct sigaction action = {.sa_sigaction = counting, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(number, &action, NULL);
}

static void intervals(void) {
  handle(SIGALRM);
  handle(SIGVTALRM);
  struct itimerval timer = {{0, 2000}, {0, 2000}}, old;
  say("setitimer: %s", result(setitimer(ITIMER_REAL, &timer, NULL)));
  while (count < 3) pause();
  say("several times: %d", count >= 3);
  timer.it_value.tv_usec = timer.it_interval.tv_usec = 0;
  say("stop: %s", result(setitimer(ITIMER_REAL, &timer, &old)));
  say("interval told: %ld", (long)old.it_interval.tv_usec);
  say("alarm before: %u", alarm(100));
  say("alarm again: %u", alarm(0));
  timer.it_value.tv_usec = 3000;
  count = 0;
  setitimer(ITIMER_VIRTUAL, &timer, NULL);
  while (count == 0) {
  }
  say("processor time: %d", count == 1);
  timer.it_value.tv_usec = 1000000;
  say("bad time: %s, bad timer: %s", result(setitimer(ITIMER_REAL, &timer, NULL)),
      result(getitimer(3, &timer)));
}

static void posix_timers(void) {
  handle(SIGRTMIN);
  count = 0;
  timer_t id;
  struct sigevent event = {
      .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42};
  say("timer_create: %s", result(timer_create(CLOCK_MONOTONIC, &event, &id)));
  struct itimerspec setting = {{0, 0}, {0, 1000000}}, now;
  say("timer_settime: %s", result(timer_settime(id, 0, &setting, NULL)));
  while (count == 0) sleep_ms(1);
  say("value %d, code %d, overrun %d", last_value, last_code, timer_getoverrun(id));
  say("timer_gettime: %s, left %ld", result(timer_gettime(id, &now)), (long)now.it_value.tv_nsec);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &one, NULL);
  setting.it_interval.tv_nsec = 1000000;
  timer_settime(id, 0, &setting, NULL);
  sleep_ms(20);
  siginfo_t info;
  say("one is queued: %d", sigtimedwait(&one, &info, &(struct timespec){0, 0}) == SIGRTMIN);
  say("timer_delete: %s, again: %s", result(timer_delete(id)), result(timer_delete(id)));
  sigtimedwait(&one, &info, &(struct timespec){0, 0});
  event.sigev_signo = 65;
  say("bad signal: %s, bad clock: %s", result(timer_create(CLOCK_MONOTONIC, &event, &id)),
      result(timer_create(99, NULL, &id)));
  sigprocmask(SIG_UNBLOCK, &one, NULL);
}

static void signal_files(void) {
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGUSR1);
  sigaddset(&some, SIGCHLD);
  sigprocmask(SIG_BLOCK, &some, NULL);
  const int file = signalfd(-1, &some, SFD_NONBLOCK | SFD_CLOEXEC);
  struct signalfd_siginfo records[3];
  say("signalfd: %s, nothing: %s", result(file), result(read(file, records, sizeof records)));
  struct pollfd waits = {.fd = file, .events = POLLIN};
  say("poll: %d", poll(&waits, 1, 0));
  raise(SIGUSR1);
  say("poll: %d %x", poll(&waits, 1, 1000), waits.revents);
  const pid_t child = fork();
  if (child == 0) _exit(5);
  int status;
  waitpid(child, &status, 0);
  const long got = read(file, records, sizeof records);
  say("records: %ld", got / (long)sizeof *records);
  say("%u, code %d", records[0].ssi_signo, records[0].ssi_code);
  say("%u, code %d, status %d, pid %d", records[1].ssi_signo, records[1].ssi_code, records[1].ssi_status,
      records[1].ssi_pid == (unsigned)child);
  say("too small: %s", result(read(file, records, 100)));
  sigset_t other;
  sigemptyset(&other);
  sigaddset(&other, SIGUSR2);
  say("another mask: %d", signalfd(file, &other, 0) == file);
  raise(SIGUSR1);
  say("not in it: %s", result(read(file, records, sizeof records)));
  signal(SIGUSR1, SIG_IGN);
  sigprocmask(SIG_UNBLOCK, &some, NULL);
  close(file);
}

static void itself(void) {
  char name[16] = "";
  say("set name: %s", result(prctl(PR_SET_NAME, "a name that is too long")));
  prctl(PR_GET_NAME, name);
  say("name: %s", name);
  say("no new privileges: %s %d", result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)),
      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  say("unknown: %s", result(prctl(99999, 0)));
  struct utsname names;
  say("uname: %s %s", result(uname(&names)), names.sysname);
  struct sysinfo figures;
  say("sysinfo: %s %d", result(sysinfo(&figures)), figures.totalram > 0 && figures.procs > 0);
  const pid_t orphan = fork();
  if (orphan == 0) {
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) pause();
    }
    sleep_ms(5);
    _exit(0);
  }
  int status;
  waitpid(orphan, &status, 0);
  say("subreaper: %s", result(prctl(PR_SET_CHILD_SUBREAPER, 1)));
  const pid_t parent = fork();
  if (parent == 0) {
    if (fork() == 0) {
      sleep_ms(20);
      _exit(9);
    }
    _exit(0);
  }
  waitpid(parent, &status, 0);
  const pid_t adopted = waitpid(-1, &status, 0);
  say("adopted: %d", adopted > 0 && adopted != parent);
  say_status("adopted", status);
}

static void across(void) {
  static char here[] = "before", there[] = "beyond";
  const pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  char buffer[7] = "";
  struct iovec local[2] = {{buffer, 3}, {buffer + 3, 4}}, remote = {there, 7};
  say("read: %zd %s", process_vm_readv(child, local, 2, &remote, 1, 0), buffer);
  struct iovec from = {here, 7};
  say("write: %zd", process_vm_writev(child, &from, 1, &remote, 1, 0));
  process_vm_readv(child, local, 2, &remote, 1, 0);
  say("written: %s, mine: %s", buffer, there);
  remote.iov_base = (void*)8;
  say("nowhere: %s", result(process_vm_readv(child, local, 2, &remote, 1, 0)));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  say("nobody: %s", result(process_vm_readv(child, local, 2, &remote, 1, 0)));
}

int main(void) {
  intervals();
  posix_timers();
  signal_files();
  across();
  itself();
  return 0;
}

// Processes: how they end, stop and go on, who waits for them, groups and sessions [C4.01, C4.02].
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/system/posix/programs/check.h"

static void stops(void) {
  const pid_t child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    for (;;) pause();
  }
  int status = 0;
  say("stopped: %d", waitpid(child, &status, WUNTRACED) == child);
  say_status("child", status);
  say("told once: %d", waitpid(child, &status, WUNTRACED | WNOHANG));
  kill(child, SIGCONT);
  say("continued: %d", waitpid(child, &status, WCONTINUED) == child);
  say_status("child", status);
  kill(child, SIGTERM);
  siginfo_t info;
  say("waitid: %s", result(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT)));
  say("code %d status %d pid %d", info.si_code, info.si_status, info.si_pid == child);
  say("again: %d", waitpid(child, &status, 0) == child);
  say_status("child", status);
  say("no more: %s", result(waitpid(child, &status, 0)));
  say("no child at all: %s", result(waitid(P_ALL, 0, &info, WEXITED)));
}

static volatile int heard;
static siginfo_t of_child;
static void on_child(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)context;
  of_child = *info;
  ++heard;
}
static void child_signals(void) {
  struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_NOCLDSTOP};
  sigaction(SIGCHLD, &action, NULL);
  const pid_t child = fork();
  if (child == 0) _exit(9);
  while (!heard) sleep_ms(1);
  say("SIGCHLD: code %d status %d pid %d", of_child.si_code, of_child.si_status, of_child.si_pid == child);
  int status;
  waitpid(child, &status, 0);
  action.sa_flags = SA_NOCLDWAIT;
  action.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &action, NULL);
  if (fork() == 0) _exit(1);
  say("reaped by itself: %s", result(wait(&status)));
  signal(SIGCHLD, SIG_DFL);
}

static void groups(void) {
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    for (;;) pause();
  }
  while (getpgid(child) != child) sleep_ms(1);
  say("group of its own");
  say("kill group: %s", result(kill(-child, SIGKILL)));
  int status = 0;
  say("wait for group: %d", waitpid(-child, &status, 0) == child);
  say_status("child", status);
  say("no such group: %s", result(kill(-child, 0)));
  say("setsid of a leader: %s", getpgrp() == getpid() ? result(setsid()) : "EPERM");
  const pid_t other = fork();
  if (other == 0) _exit(setsid() == getpid() && getpgrp() == getpid() && getsid(0) == getpid() ? 0 : 1);
  waitpid(other, &status, 0);
  say_status("setsid", status);
  say("getpgid of nobody: %s", result(getpgid(32000)));
}

static void memory(void) {
  int* shared = malloc(sizeof *shared);
  *shared = 1;
  pid_t child = vfork();
  if (child == 0) {
    *shared = 2;
    _exit(3);
  }
  say("vfork shares: %d", *shared);
  int status = 0;
  waitpid(child, &status, 0);
  say_status("vfork", status);
  child = fork();
  if (child == 0) {
    *shared = 5;
    _exit(0);
  }
  waitpid(child, &status, 0);
  say("fork copies: %d", *shared);
}

extern char** environ;
static void programs(char* self) {
  int status = 0;
  pid_t child;
  char* words[] = {self, "exit", "17", NULL};
  say("posix_spawn: %s", strerror(posix_spawn(&child, self, NULL, NULL, words, environ)));
  waitpid(child, &status, 0);
  say_status("spawned", status);
  say("nothing there: %s", result(execl("/nonexistent", "x", NULL)));
  say("a directory: %s", result(execl("/", "x", NULL)));
  const int script = open("/tmp/fb-script", O_WRONLY | O_CREAT | O_TRUNC, 0755);
  dprintf(script, "#! %s  show me\nanything\n", self);
  close(script);
  child = fork();
  if (child == 0) {
    execl("/tmp/fb-script", "its-name", "more", NULL);
    _exit(1);
  }
  waitpid(child, &status, 0);
  say_status("script", status);
  const int broken = open("/tmp/fb-script", O_WRONLY | O_TRUNC);
  dprintf(broken, "#!/nonexistent\n");
  close(broken);
  say("interpreter not there: %s", result(execl("/tmp/fb-script", "x", NULL)));
  const int loop = open("/tmp/fb-script", O_WRONLY | O_TRUNC);
  dprintf(loop, "#!/tmp/fb-script\n");
  close(loop);
  say("a script of itself: %s", result(execl("/tmp/fb-script", "x", NULL)));
  unlink("/tmp/fb-script");
  const int kept = dup(1), closed = fcntl(1, F_DUPFD_CLOEXEC, 3);
  char numbers[2][16];
  snprintf(numbers[0], 16, "%d", kept);
  snprintf(numbers[1], 16, "%d", closed);
  child = fork();
  if (child == 0) {
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, exit);
    execl(self, self, "inherited", numbers[0], numbers[1], NULL);
  }
  waitpid(child, &status, 0);
  say_status("inherited", status);
}

static void limits(void) {
  struct rlimit limit = {10, 20};
  say("setrlimit: %s", result(setrlimit(RLIMIT_NOFILE, &limit)));
  int last = 0, opened = 0;
  while ((last = dup(1)) >= 0) ++opened;
  say("descriptors end: %s, some %d", result(last), opened > 0);
  for (int i = 3; i != 10; ++i) close(i);
  limit.rlim_cur = 30;
  say("above the hard limit: %s", result(setrlimit(RLIMIT_NOFILE, &limit)));
  say("priority: %d", getpriority(PRIO_PROCESS, 0));
}

static void users(void) {
  say("setresuid: %s", result(setresuid(1000, 1001, 1002)));
  uid_t r, e, s;
  getresuid(&r, &e, &s);
  say("%u %u %u", r, e, s);
  say("kill root: %s", result(kill(getppid(), 0)));
  say("back: %s", result(setuid(0)));
  say("to the saved: %s", result(seteuid(1002)));
  say("setgroups: %s", result(setgroups(0, NULL)));
}

static volatile int hung_up;
static void on_hang_up(int number) {
  (void)number;
  ++hung_up;
}

/// A group is told that nobody would continue its members when the last one who could has ended, and not before or after.
static void orphans(void) {
  setsid();
  signal(SIGHUP, on_hang_up);
  const pid_t member = fork();
  if (member == 0) {
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  waitpid(member, &status, WUNTRACED);
  const pid_t other = fork();
  if (other == 0) _exit(0);
  waitpid(other, &status, 0);
  sleep_ms(20);
  say("nobody could before: %d", hung_up);
  kill(member, SIGCONT);
  waitpid(member, &status, 0);

  int ends[2];
  if (pipe(ends) != 0) return;
  const pid_t link = fork();
  if (link == 0) {
    const pid_t far = fork();
    if (far == 0) {
      setpgid(0, 0);
      raise(SIGSTOP);
      const char count = (char)hung_up;
      _exit(write(ends[1], &count, 1) == 1 ? 0 : 1);
    }
    waitpid(far, &status, WUNTRACED);
    _exit(0);
  }
  char count = 9;
  say("read: %s", result(read(ends[0], &count, 1)));
  say("its link has ended: %d and %d", count, hung_up);
  waitpid(link, &status, 0);
}

int main(int count, char** words) {
  if (count > 2 && strcmp(words[1], "exit") == 0) return atoi(words[2]);
  if (count > 1 && strcmp(words[1], "show me") == 0) {
    for (int i = 1; i != count; ++i) say("word %d: %s", i, words[i]);
    return 4;
  }
  if (count > 3 && strcmp(words[1], "inherited") == 0) {
    struct sigaction one, two;
    sigaction(SIGUSR1, NULL, &one);
    sigaction(SIGUSR2, NULL, &two);
    say("ignored %d, handled %d, kept %s, closed %s", one.sa_handler == SIG_IGN, two.sa_handler != SIG_DFL,
        result(fcntl(atoi(words[2]), F_GETFD)), result(fcntl(atoi(words[3]), F_GETFD)));
    return 0;
  }
  stops();
  child_signals();
  groups();
  memory();
  programs(words[0]);
  in_child("limits", limits);
  in_child("orphans", orphans);
  if (getuid() == 0) in_child("users", users);
  return 0;
}

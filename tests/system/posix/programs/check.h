// What the programs here share: they write what happened, and the same program under Linux says what should have.
#pragma once
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// A line of output at once, so that what was written before a crash is seen. For main programs, not for handlers.
static inline void say(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  fflush(stdout);
}

/// "ok", or the name of errno.
static inline const char* result(long value) { return value >= 0 ? "ok" : strerrorname_np(errno); }

static inline void say_status(const char* what, int status) {
  if (WIFEXITED(status))
    say("%s: exited %d", what, WEXITSTATUS(status));
  else if (WIFSIGNALED(status))
    say("%s: killed by SIG%s", what, sigabbrev_np(WTERMSIG(status)));
  else if (WIFSTOPPED(status))
    say("%s: stopped by SIG%s", what, sigabbrev_np(WSTOPSIG(status)));
  else if (WIFCONTINUED(status))
    say("%s: continued", what);
}

static inline void sleep_ms(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

/// Runs `body` in a child, without handlers, and says how that ended.
static inline void in_child(const char* what, void (*body)(void)) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 1; i != 32; ++i) signal(i, SIG_DFL);
    body();
    fflush(stdout);
    _exit(0);
  }
  int status = 0;
  if (waitpid(child, &status, 0) == child) say_status(what, status);
}

// Readiness and files of events: poll, select, epoll, eventfd, timerfd, inotify [C4.18].
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "tests/system/posix/programs/check.h"

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int ends[2];
static void* late_writer(void* text) {
  sleep_ms(30);
  if (write(ends[1], text, 1) != 1) say("no write");
  return NULL;
}
static void read_one(void) {
  char c = 0;
  say("read %s %c", result(read(ends[0], &c, 1)), c);
}

static void polls(void) {
  pthread_t writer;
  struct pollfd files[3] = {{ends[0], POLLIN, 0}, {-1, POLLIN, 7}, {77, POLLIN, 0}};
  say("closed: %d %x %x", poll(files, 3, -1), files[1].revents, files[2].revents);
  const long begin = milliseconds();
  say("late: %d", poll(files, 1, 20));
  say("waited: %d", milliseconds() - begin >= 20);
  pthread_create(&writer, NULL, late_writer, "a");
  say("poll: %d %x", poll(files, 1, -1), files[0].revents);
  pthread_join(writer, NULL);
  read_one();
  pthread_create(&writer, NULL, late_writer, "b");
  fd_set in, out;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_SET(ends[0], &in);
  FD_SET(ends[0], &out);
  struct timeval time = {10, 0};
  say("select: %d %d %d", select(ends[0] + 1, &in, &out, NULL, &time), FD_ISSET(ends[0], &in) != 0,
      FD_ISSET(ends[0], &out) != 0);
  say("time is left: %d", time.tv_sec == 9);
  pthread_join(writer, NULL);
  read_one();
  say("bad: %s", result(poll((struct pollfd*)16, 1, 0)));
}

static volatile int heard;
static void on_alarm(int number) { heard = number; }

static void signals(void) {
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  sigset_t blocked, none;
  sigemptyset(&none);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  raise(SIGUSR1);
  struct pollfd file = {ends[0], POLLIN, 0};
  struct timespec time = {10, 0};
  say("blocked: %d %d", poll(&file, 1, 5), heard);
  say("ppoll: %s", result(ppoll(&file, 1, &time, &none)));
  say("heard: %d", heard == SIGUSR1);
  heard = 0;
  raise(SIGUSR1);
  struct epoll_event event;
  const int epoll = epoll_create1(0);
  say("epoll_pwait: %s %d", result(epoll_pwait(epoll, &event, 1, -1, &none)), heard == SIGUSR1);
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  say("still blocked: %d", sigismember(&now, SIGUSR1));
  close(epoll);
}

static void epolls(void) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC), count = eventfd(0, EFD_NONBLOCK),
            file = open("/", O_RDONLY);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 1}, found[4];
  say("add: %s", result(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event)));
  say("again: %s", result(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event)));
  say("directory: %s", result(epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event)));
  say("itself: %s", result(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event)));
  say("no epoll: %s", result(epoll_ctl(count, EPOLL_CTL_ADD, ends[0], &event)));
  event.events = EPOLLIN | EPOLLET;
  event.data.u32 = 2;
  say("count: %s", result(epoll_ctl(epoll, EPOLL_CTL_ADD, count, &event)));
  pthread_t writer;
  pthread_create(&writer, NULL, late_writer, "c");
  say("wait: %d %u", epoll_wait(epoll, found, 4, -1), found[0].data.u32);
  pthread_join(writer, NULL);
  eventfd_write(count, 3);
  say("both: %d", epoll_wait(epoll, found, 4, -1));
  say("level only: %d %u", epoll_wait(epoll, found, 4, 0), found[0].data.u32);
  read_one();
  eventfd_t value = 0;
  say("count: %s %d", result(eventfd_read(count, &value)), (int)value);
  say("empty: %s", result(eventfd_read(count, &value)));
  say("none: %s", result(epoll_wait(epoll, found, 0, 0)));
  say("nowhere: %s", result(epoll_wait(epoll, (struct epoll_event*)-4096, 1, 0)));
  close(count);
  say("late: %d", epoll_wait(epoll, found, 4, 10));
  close(epoll);
  close(file);
}

static void timers(void) {
  const int timer = timerfd_create(CLOCK_MONOTONIC, 0), epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
  const struct itimerspec setting = {.it_interval = {0, 10000000}, .it_value = {0, 20000000}};
  const long begin = milliseconds();
  say("set: %s", result(timerfd_settime(timer, 0, &setting, NULL)));
  say("early: %d", epoll_wait(epoll, &event, 1, 0));
  say("due: %d", epoll_wait(epoll, &event, 1, -1));
  say("not before: %d", milliseconds() - begin >= 19);
  uint64_t times = 0;
  say("read: %d %d", (int)read(timer, &times, sizeof times), times >= 1);
  say("waits: %d %d", (int)read(timer, &times, sizeof times), times >= 1);
  struct itimerspec left;
  say("get: %s %ld", result(timerfd_gettime(timer, &left)), left.it_interval.tv_nsec);
  say("bad clock: %s", result(timerfd_create(55, 0)));
  say("no timer: %s", result(timerfd_gettime(epoll, &left)));
  close(timer);
  close(epoll);
}

static void watches(void) {
  const int watcher = inotify_init1(IN_NONBLOCK);
  mkdir("/tmp/watched", 0755);
  say("watch: %d", inotify_add_watch(watcher, "/tmp/watched", IN_ALL_EVENTS));
  const int file = open("/tmp/watched/f", O_CREAT | O_WRONLY, 0644);
  if (write(file, "x", 1) != 1) say("no write");
  close(file);
  rename("/tmp/watched/f", "/tmp/watched/g");
  unlink("/tmp/watched/g");
  rmdir("/tmp/watched");
  char bytes[4096];
  const long count = read(watcher, bytes, sizeof bytes);
  for (long at = 0; at < count;) {
    const struct inotify_event* event = (const struct inotify_event*)(bytes + at);
    say("%d %x %s %d", event->wd, event->mask, event->len != 0 ? event->name : "-", event->cookie != 0);
    at += (long)sizeof *event + event->len;
  }
  say("no more: %s", result(read(watcher, bytes, sizeof bytes)));
  say("gone: %s", result(inotify_rm_watch(watcher, 1)));
  say("missing: %s", result(inotify_add_watch(watcher, "/tmp/watched", IN_OPEN)));
  close(watcher);
}

int main(void) {
  if (pipe(ends) != 0) return 1;
  polls();
  signals();
  epolls();
  timers();
  watches();
  return 0;
}

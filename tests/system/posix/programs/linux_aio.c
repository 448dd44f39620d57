// Asynchronous input and output of Linux: io_setup, io_submit, io_getevents, io_cancel, io_destroy [C4.18].
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/system/posix/programs/check.h"

/// What libaio knows of the memory at a context's address.
struct ring {
  unsigned id, events, head, tail, magic, compatible, incompatible, size;
  struct io_event first[];
};

static long setup(unsigned count, aio_context_t* context) { return syscall(SYS_io_setup, count, context); }
static long destroy(aio_context_t context) { return syscall(SYS_io_destroy, context); }
static long submit(aio_context_t context, long count, struct iocb** blocks) {
  return syscall(SYS_io_submit, context, count, blocks);
}
static long get(aio_context_t context, long least, long most, struct io_event* events,
                struct timespec* time) {
  return syscall(SYS_io_getevents, context, least, most, events, time);
}
static long cancel(aio_context_t context, struct iocb* block) {
  struct io_event event;
  return syscall(SYS_io_cancel, context, block, &event);
}

static long one(aio_context_t context, struct iocb* block) {
  struct iocb* list[1] = {block};
  return submit(context, 1, list);
}

static struct iocb block_of(int opcode, int fd, void* buffer, size_t size, long offset) {
  return (struct iocb){.aio_data = 7,
                       .aio_key = 99,
                       .aio_lio_opcode = (uint16_t)opcode,
                       .aio_fildes = (uint32_t)fd,
                       .aio_buf = (uintptr_t)buffer,
                       .aio_nbytes = size,
                       .aio_offset = offset};
}

/// The next event, told.
static void next(aio_context_t context, const char* what, struct iocb* block) {
  struct io_event event = {0};
  struct timespec time = {10, 0};
  const long count = get(context, 1, 1, &event, &time);
  say("%s: %ld, result %lld %lld, data %llu, its block %d", what, count, (long long)event.res,
      (long long)event.res2, (unsigned long long)event.data, event.obj == (uintptr_t)block);
}

static void contexts(void) {
  aio_context_t context = 0, other = 5;
  say("none: %s", result(setup(0, &context)));
  say("in use: %s", result(setup(1, &other)));
  say("nowhere: %s", result(setup(1, (aio_context_t*)16)));
  say("too many: %s", result(setup(0x10000000, &context)));
  say("more than all: %s", result(setup(1 << 20, &context)));
  say("setup: %s", result(setup(8, &context)));
  const struct ring* const ring = (const struct ring*)context;
  say("ring: %x %u %u, empty %d, room %d", ring->magic, ring->compatible, ring->size,
      ring->head == ring->tail, ring->events >= 16);
  struct io_event event;
  struct timespec no_time = {0, 0}, bad_time = {0, -1};
  say("nothing there: %ld", get(context, 1, 1, &event, &no_time));
  say("negative: %s", result(get(context, -1, 1, &event, &no_time)));
  say("least over most: %s", result(get(context, 2, 1, &event, &no_time)));
  say("bad time: %s", result(get(context, 1, 1, &event, (struct timespec*)16)));
  (void)bad_time;
  say("no context: %s", result(get(0x1000, 1, 1, &event, &no_time)));
  say("destroy: %s", result(destroy(context)));
  say("again: %s", result(destroy(context)));
  say("after: %s", result(get(context, 0, 1, &event, &no_time)));
}

static void files(aio_context_t context) {
  char out[] = "asynchronous", in[16] = {0}, left[4], right[8];
  const int fd = open("/tmp/linux_aio.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  struct iocb block = block_of(IOCB_CMD_PWRITE, fd, out, 12, 3);
  say("write: %ld", one(context, &block));
  say("key: %u", block.aio_key);
  next(context, "written", &block);
  block = block_of(IOCB_CMD_PREAD, fd, in, 16, 3);
  say("read: %ld", one(context, &block));
  next(context, "done", &block);
  say("it is: %s", in);
  struct iovec pieces[2] = {{left, 4}, {right, 8}};
  block = block_of(IOCB_CMD_PREADV, fd, pieces, 2, 3);
  say("readv: %ld", one(context, &block));
  next(context, "done", &block);
  say("they are: %.4s %.8s", left, right);
  block = block_of(IOCB_CMD_PWRITEV, fd, pieces, 2, 100);
  say("writev: %ld", one(context, &block));
  next(context, "done", &block);
  block = block_of(IOCB_CMD_PREAD, fd, in, 16, 1000);
  say("beyond the end: %ld", one(context, &block));
  next(context, "done", &block);
  for (int opcode = IOCB_CMD_FSYNC; opcode <= IOCB_CMD_FDSYNC; ++opcode) {
    block = block_of(opcode, fd, NULL, 0, 0);
    say("sync: %ld", one(context, &block));
    next(context, "done", &block);
    block = block_of(opcode, fd, in, 0, 0);
    say("with an address: %s", result(one(context, &block)));
  }
  block = block_of(IOCB_CMD_PREAD, fd, (void*)16, 4, 3);
  say("to nowhere: %ld", one(context, &block));
  next(context, "done", &block);
  block = block_of(IOCB_CMD_PREADV, fd, (void*)16, 1, 3);
  say("pieces nowhere: %s", result(one(context, &block)));
  block = block_of(IOCB_CMD_PREAD, 77, in, 4, 0);
  say("no file: %s", result(one(context, &block)));
  block = block_of(IOCB_CMD_NOOP, fd, in, 4, 0);
  say("nothing: %s", result(one(context, &block)));
  block = block_of(42, fd, in, 4, 0);
  say("unknown: %s", result(one(context, &block)));
  block = block_of(IOCB_CMD_PREAD, fd, in, 4, 0);
  block.aio_reserved2 = 1;
  say("reserved: %s", result(one(context, &block)));
  block = block_of(IOCB_CMD_PREAD, fd, in, (size_t)-1, 0);
  say("too much: %s", result(one(context, &block)));
  const int only = open("/tmp/linux_aio.file", O_WRONLY);
  block = block_of(IOCB_CMD_PREAD, only, in, 4, 0);
  say("write only: %s", result(one(context, &block)));
  const int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
  block = block_of(IOCB_CMD_PREAD, folder, in, 4, 0);
  say("a directory: %s", result(one(context, &block)));
  close(folder);
  close(only);
  // Of several, those before the first bad one.
  struct iocb good = block_of(IOCB_CMD_PREAD, fd, in, 4, 3), bad = block_of(IOCB_CMD_PREAD, 77, in, 4, 3);
  struct iocb* list[3] = {&good, &bad, &good};
  say("some: %ld", submit(context, 3, list));
  next(context, "done", &good);
  say("a list nowhere: %s", result(submit(context, 1, (struct iocb**)16)));
  struct iocb* nowhere[1] = {(struct iocb*)16};
  say("a block nowhere: %s", result(submit(context, 1, nowhere)));
  say("negative: %s", result(submit(context, -1, list)));
  say("none: %ld", submit(context, 0, list));
  // The program takes an event itself, as libaio does.
  one(context, &good);
  struct ring* const ring = (struct ring*)context;
  say("there: %d", (ring->tail + ring->events - ring->head) % ring->events);
  say("its result: %lld", (long long)ring->first[ring->head].res);
  ring->head = (ring->head + 1) % ring->events;
  struct timespec no_time = {0, 0};
  struct io_event event;
  say("taken: %ld", get(context, 0, 1, &event, &no_time));
  // No more than there is room for.
  long done = 0;
  while (done < 100000 && one(context, &good) == 1) ++done;
  say("full: %s %d", strerrorname_np(errno), done >= 8 && done < (long)ring->events);
  ring->head = ring->tail;
  say("room again: %ld", one(context, &good));
  next(context, "done", &good);
  close(fd);
  unlink("/tmp/linux_aio.file");
}

static int ends[2];
static void* late_writer(void* unused) {
  (void)unused;
  sleep_ms(30);
  if (write(ends[1], "late", 4) != 4) say("no write");
  return NULL;
}

static volatile int heard;
static void on_signal(int number) { heard = number; }
static void* late_signal(void* thread) {
  sleep_ms(50);
  pthread_kill(*(pthread_t*)thread, SIGUSR1);
  return NULL;
}

static void waits(aio_context_t context) {
  char in[8] = {0};
  pthread_t thread;
  if (pipe(ends) != 0) return;
  const int events = eventfd(0, EFD_NONBLOCK);
  // What woke it is told, also what was not asked for: so all is asked for.
  struct iocb block = block_of(IOCB_CMD_POLL, ends[0], (void*)(POLLIN | POLLRDNORM), 0, 0);
  block.aio_flags = IOCB_FLAG_RESFD;
  block.aio_resfd = (uint32_t)events;
  say("poll: %ld", one(context, &block));
  struct timespec no_time = {0, 0};
  struct io_event event;
  say("not yet: %ld", get(context, 1, 1, &event, &no_time));
  pthread_create(&thread, NULL, late_writer, NULL);
  next(context, "readable", &block);
  pthread_join(thread, NULL);
  uint64_t count = 0;
  say("told: %s %d", result(read(events, &count, 8)), (int)count);
  block = block_of(IOCB_CMD_PREAD, ends[0], in, 8, 0);
  say("read: %ld", one(context, &block));
  next(context, "done", &block);
  say("it is: %s", in);
  block = block_of(IOCB_CMD_POLL, ends[1], (void*)POLLOUT, 0, 0);
  say("poll now: %ld", one(context, &block));
  next(context, "writable", &block);
  block = block_of(IOCB_CMD_POLL, ends[0], (void*)POLLIN, 1, 0);
  say("poll with a size: %s", result(one(context, &block)));
  block = block_of(IOCB_CMD_POLL, ends[0], (void*)0x10001, 0, 0);
  say("poll for what is none: %s", result(one(context, &block)));
  block = block_of(IOCB_CMD_PREAD, ends[0], in, 8, 0);
  block.aio_flags = IOCB_FLAG_RESFD;
  block.aio_resfd = (uint32_t)ends[0];
  say("told by a pipe: %s", result(one(context, &block)));
  block.aio_resfd = 77;
  say("told by nothing: %s", result(one(context, &block)));
  block = block_of(IOCB_CMD_FSYNC, ends[0], NULL, 0, 0);
  say("sync a pipe: %s", result(one(context, &block)));
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  block = block_of(IOCB_CMD_PREAD, ends[0], in, 8, 0);
  say("read nothing: %ld", one(context, &block));
  next(context, "done", &block);
  block = block_of(IOCB_CMD_POLL, ends[0], (void*)POLLIN, 0, 0);
  say("poll: %ld", one(context, &block));
  say("cancel: %s", result(cancel(context, &block)));
  next(context, "cancelled", &block);
  say("cancel again: %s", result(cancel(context, &block)));
  say("poll: %ld", one(context, &block));
  close(ends[1]);
  next(context, "hung up", &block);
  close(ends[0]);
  // Signals.
  signal(SIGUSR1, on_signal);
  pthread_t self = pthread_self();
  pthread_create(&thread, NULL, late_signal, &self);
  say("interrupted: %s %d", result(get(context, 1, 1, &event, NULL)), heard == SIGUSR1);
  pthread_join(thread, NULL);
  heard = 0;
  sigset_t none;
  sigemptyset(&none);
  struct {
    sigset_t* set;
    size_t size;
  } mask = {&none, 8};
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  raise(SIGUSR1);
  say("blocked: %d", heard);
  say("pgetevents: %s", result(syscall(SYS_io_pgetevents, context, 1, 1, &event, NULL, &mask)));
  say("heard: %d", heard == SIGUSR1);
  mask.size = 4;
  say("bad mask: %s", result(syscall(SYS_io_pgetevents, context, 1, 1, &event, &no_time, &mask)));
  // The context goes while something waits.
  int more[2];
  if (pipe(more) != 0) return;
  block = block_of(IOCB_CMD_POLL, more[0], (void*)POLLIN, 0, 0);
  say("poll: %ld", one(context, &block));
}

static aio_context_t shared;
static void in_fork(void) {
  struct io_event event;
  struct timespec no_time = {0, 0};
  say("a child has none: %s", result(get(shared, 0, 1, &event, &no_time)));
}

int main(void) {
  contexts();
  aio_context_t context = 0;
  say("setup: %s", result(setup(8, &context)));
  files(context);
  waits(context);
  shared = context;
  in_child("child", in_fork);
  say("destroy: %s", result(destroy(context)));
  return 0;
}

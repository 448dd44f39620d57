// Rings of submissions and completions, by the bare calls [C4.18].
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "tests/system/posix/programs/check.h"

struct ring {
  int fd;
  struct io_uring_params params;
  unsigned char *rings, *sqes;
  unsigned tail;
};

static int setup(unsigned entries, struct io_uring_params* params) {
  return (int)syscall(SYS_io_uring_setup, entries, params);
}
static int enter(int fd, unsigned submit, unsigned wait, unsigned flags, const void* extra, size_t size) {
  return (int)syscall(SYS_io_uring_enter, fd, submit, wait, flags, extra, size);
}
static int register_it(int fd, unsigned what, const void* argument, unsigned count) {
  return (int)syscall(SYS_io_uring_register, fd, what, argument, count);
}
static unsigned* word(struct ring* ring, unsigned offset) { return (unsigned*)(ring->rings + offset); }

static struct ring begin(unsigned entries, unsigned cq_entries, unsigned flags) {
  struct ring ring = {0};
  ring.params.flags = flags | (cq_entries ? IORING_SETUP_CQSIZE : 0);
  ring.params.cq_entries = cq_entries;
  ring.fd = setup(entries, &ring.params);
  if (ring.fd < 0) {
    say("setup: %s", result(ring.fd));
    exit(1);
  }
  const struct io_uring_params* p = &ring.params;
  const size_t size = p->sq_off.array + p->sq_entries * 4;
  ring.rings =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQ_RING);
  ring.sqes = mmap(NULL, p->sq_entries * 64UL, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
  if (ring.rings == MAP_FAILED || ring.sqes == MAP_FAILED) say("mmap: %s", result(-1));
  return ring;
}
static void end(struct ring* ring) {
  munmap(ring->rings, ring->params.sq_off.array + ring->params.sq_entries * 4);
  munmap(ring->sqes, ring->params.sq_entries * 64UL);
  close(ring->fd);
}

static struct io_uring_sqe* next(struct ring* ring, int op, int fd, const void* at, unsigned length,
                                 uint64_t offset, uint64_t data) {
  const unsigned index = ring->tail & (ring->params.sq_entries - 1);
  struct io_uring_sqe* sqe = (struct io_uring_sqe*)ring->sqes + index;
  memset(sqe, 0, sizeof(*sqe));
  sqe->opcode = (unsigned char)op;
  sqe->fd = fd;
  sqe->addr = (uintptr_t)at;
  sqe->len = length;
  sqe->off = offset;
  sqe->user_data = data;
  word(ring, ring->params.sq_off.array)[index] = index;
  __atomic_store_n(word(ring, ring->params.sq_off.tail), ++ring->tail, __ATOMIC_RELEASE);
  return sqe;
}
static int submit(struct ring* ring, unsigned count, unsigned wait) {
  return enter(ring->fd, count, wait, IORING_ENTER_GETEVENTS, NULL, 0);
}

struct told {
  uint64_t data;
  int result;
  unsigned flags;
};
static int by_data(const void* a, const void* b) {
  const struct told *x = a, *y = b;
  return x->data < y->data ? -1 : x->data > y->data;
}
/// All completions that are there, ordered by what they are for.
static void reap(struct ring* ring, const char* what) {
  struct told all[64];
  unsigned count = 0;
  unsigned head = *word(ring, ring->params.cq_off.head);
  while (count != 64 && head != __atomic_load_n(word(ring, ring->params.cq_off.tail), __ATOMIC_ACQUIRE)) {
    const struct io_uring_cqe* cqes = (const struct io_uring_cqe*)(ring->rings + ring->params.cq_off.cqes);
    const struct io_uring_cqe* cqe = &cqes[head++ & (ring->params.cq_entries - 1)];
    all[count++] = (struct told){cqe->user_data, cqe->res, cqe->flags};
  }
  __atomic_store_n(word(ring, ring->params.cq_off.head), head, __ATOMIC_RELEASE);
  qsort(all, count, sizeof(all[0]), by_data);
  printf("%s:", what);
  for (unsigned i = 0; i != count; ++i) {
    const char* name = all[i].result < 0 ? strerrorname_np(-all[i].result) : NULL;
    if (name != NULL)
      printf(" %d=%s", (int)all[i].data, name);
    else
      printf(" %d=%d", (int)all[i].data, all[i].result);
    if (all[i].flags != 0) printf("/%x", all[i].flags);
  }
  say("");
}

static void setups(void) {
  struct io_uring_params params = {0};
  say("none: %s", result(setup(0, &params)));
  say("too many: %s", result(setup(65536, &params)));
  say("no memory: %s", result(setup(4, (void*)16)));
  params.flags = 1U << 30;
  say("unknown flag: %s", result(setup(4, &params)));
  params = (struct io_uring_params){.flags = IORING_SETUP_CQSIZE, .cq_entries = 2};
  say("few completions: %s", result(setup(4, &params)));
  struct ring ring = begin(5, 0, 0);
  const struct io_uring_params* p = &ring.params;
  say("entries %u %u", p->sq_entries, p->cq_entries);
  say("sq %u %u %u %u %u %u %u", p->sq_off.head, p->sq_off.tail, p->sq_off.ring_mask, p->sq_off.ring_entries,
      p->sq_off.flags, p->sq_off.dropped, p->sq_off.array);
  say("cq %u %u %u %u %u %u %u", p->cq_off.head, p->cq_off.tail, p->cq_off.ring_mask, p->cq_off.ring_entries,
      p->cq_off.overflow, p->cq_off.cqes, p->cq_off.flags);
  say("masks %u %u", *word(&ring, p->sq_off.ring_mask), *word(&ring, p->cq_off.ring_mask));
  say("features %x", p->features & (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG));
  say("closes on exec: %d", fcntl(ring.fd, F_GETFD));
  void* bad = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ring.fd, 0x5000000);
  say("mmap of nothing: %s", result(bad == MAP_FAILED ? -1 : 0));
  char byte;
  say("read: %s", result(read(ring.fd, &byte, 1)));
  say("enter what is none: %s", result(enter(0, 0, 0, 0, NULL, 0)));
  say("enter what is closed: %s", result(enter(77, 0, 0, 0, NULL, 0)));
  say("enter badly: %s", result(enter(ring.fd, 0, 0, 1U << 20, NULL, 0)));
  say("register badly: %s", result(register_it(ring.fd, 999, NULL, 0)));
  end(&ring);
}

static void files(struct ring* ring) {
  const int fd = open("/tmp/uring.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  char in[16] = {0}, in2[16] = {0};
  struct iovec out[2] = {{"abc", 3}, {"defg", 4}}, into[2] = {{in, 2}, {in2, 9}};
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 1);
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "nop");
  next(ring, IORING_OP_WRITEV, fd, out, 2, 0, 1)->flags = IOSQE_IO_LINK;
  next(ring, IORING_OP_FSYNC, fd, NULL, 0, 0, 2)->flags = IOSQE_IO_LINK;
  next(ring, IORING_OP_READV, fd, into, 2, 1, 3)->flags = IOSQE_IO_HARDLINK;
  next(ring, IORING_OP_READ, fd, in + 8, 4, (uint64_t)-1, 4);
  say("submit %d", submit(ring, 4, 4));
  reap(ring, "files");
  say("%s %s %s", in, in2, in + 8);
  next(ring, IORING_OP_WRITE, fd, "xyz", 3, 100, 1)->flags = IOSQE_IO_LINK;
  next(ring, IORING_OP_FALLOCATE, fd, (void*)1000, 0, 0, 2);
  next(ring, IORING_OP_READ, fd, (void*)16, 4, 0, 3);
  next(ring, IORING_OP_READ, 77, in, 4, 0, 4);
  next(ring, IORING_OP_WRITE, fd, "async", 5, 200, 5)->flags = IOSQE_ASYNC;
  say("submit %d", submit(ring, 5, 5));
  reap(ring, "more");
  struct stat status;
  fstat(fd, &status);
  say("size %ld", (long)status.st_size);
  struct statx extended;
  next(ring, IORING_OP_STATX, AT_FDCWD, "/tmp/uring.file", STATX_SIZE, (uintptr_t)&extended, 1);
  next(ring, IORING_OP_OPENAT, AT_FDCWD, "/tmp/uring.file", 0, 0, 2)->open_flags = O_RDONLY | O_CLOEXEC;
  next(ring, IORING_OP_OPENAT, AT_FDCWD, "/tmp/none", 0, 0, 3);
  next(ring, IORING_OP_RENAMEAT, AT_FDCWD, "/tmp/uring.file", (unsigned)AT_FDCWD, (uintptr_t)"/tmp/uring2",
       4);
  next(ring, IORING_OP_UNLINKAT, AT_FDCWD, "/tmp/uring2", 0, 0, 5);
  next(ring, IORING_OP_CLOSE, fd + 1, NULL, 0, 0, 6);
  next(ring, IORING_OP_CLOSE, 77, NULL, 0, 0, 7);
  say("submit %d", submit(ring, 7, 7));
  reap(ring, "names");
  say("statx %d, open %s", (int)extended.stx_size, result(fcntl(fd + 1, F_GETFD)));
  close(fd);
}

static void links(struct ring* ring) {
  char byte;
  next(ring, IORING_OP_READ, 77, &byte, 1, 0, 1)->flags = IOSQE_IO_LINK;
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags = IOSQE_IO_LINK;
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 3);
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 4);
  say("submit %d", submit(ring, 4, 4));
  reap(ring, "broken");
  next(ring, IORING_OP_READ, 77, &byte, 1, 0, 1)->flags = IOSQE_IO_HARDLINK;
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 2);
  say("submit %d", submit(ring, 2, 2));
  reap(ring, "hard");
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_IO_LINK;
  next(ring, 200, -1, NULL, 0, 0, 2)->flags = IOSQE_IO_LINK;
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 3);
  say("submit %d", submit(ring, 3, 2));
  reap(ring, "no operation");
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "the rest");
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_IO_LINK;
  next(ring, 200, -1, NULL, 0, 0, 2);
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 3);
  say("submit %d", submit(ring, 3, 2));
  reap(ring, "no operation at the end");
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "the rest");
  next(ring, 200, -1, NULL, 0, 0, 1)->flags = IOSQE_IO_LINK;
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 2);
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 3);
  say("submit %d", submit(ring, 3, 2));
  reap(ring, "no operation at first");
  say("submit %d", submit(ring, 1, 0));
  reap(ring, "the rest");
  next(ring, 200, -1, NULL, 0, 0, 1);
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 2);
  say("submit %d", submit(ring, 2, 1));
  reap(ring, "no operation alone");
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "the rest");
}

static void skips(void) {
  struct ring ring = begin(8, 0, 0);
  next(&ring, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_CQE_SKIP_SUCCESS;
  next(&ring, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags = 128;
  say("submit %d", submit(&ring, 2, 1));
  reap(&ring, "skip");
  char byte;
  next(&ring, IORING_OP_READ, 77, &byte, 1, 0, 1)->flags = IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
  next(&ring, IORING_OP_NOP, -1, NULL, 0, 0, 2);
  next(&ring, IORING_OP_NOP, -1, NULL, 0, 0, 3);
  say("submit %d", submit(&ring, 3, 2));
  reap(&ring, "skip of a chain");
  next(&ring, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_IO_DRAIN;
  say("submit %d", submit(&ring, 1, 1));
  reap(&ring, "drain");
  end(&ring);
}

static void* late_writer(void* fd) {
  sleep_ms(30);
  if (write(*(int*)fd, "late", 4) != 4) say("no write");
  return NULL;
}

static void waits(struct ring* ring) {
  int ends[2];
  char in[16] = {0};
  pthread_t writer;
  if (pipe(ends) != 0) return;
  next(ring, IORING_OP_READ, ends[0], in, 16, 0, 1);
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags = IOSQE_IO_DRAIN;
  say("submit %d", submit(ring, 2, 0));
  reap(ring, "nothing yet");
  pthread_create(&writer, NULL, late_writer, &ends[1]);
  say("wait %d", submit(ring, 0, 2));
  reap(ring, "drained");
  pthread_join(writer, NULL);
  say("%s", in);

  next(ring, IORING_OP_POLL_ADD, ends[0], NULL, 0, 0, 1)->poll32_events = POLLIN;
  next(ring, IORING_OP_POLL_ADD, ends[1], NULL, 0, 0, 2)->poll32_events = POLLOUT;
  next(ring, IORING_OP_POLL_ADD, ends[0], NULL, 0, 0, 3)->poll32_events = POLLIN;
  next(ring, IORING_OP_POLL_REMOVE, -1, (void*)3, 0, 0, 4);
  next(ring, IORING_OP_POLL_REMOVE, -1, (void*)99, 0, 0, 5);
  say("submit %d", submit(ring, 5, 4));
  reap(ring, "polls");
  if (write(ends[1], "x", 1) != 1) return;
  say("wait %d", submit(ring, 0, 1));
  reap(ring, "readable");
  next(ring, IORING_OP_POLL_ADD, ends[0], NULL, 0, 0, 1)->poll32_events = POLLIN;
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "at once");
  if (read(ends[0], in, 1) != 1) return;

  next(ring, IORING_OP_READ, ends[0], in, 16, 0, 1);
  next(ring, IORING_OP_READ, ends[0], in, 16, 0, 2);
  next(ring, IORING_OP_ASYNC_CANCEL, -1, (void*)1, 0, 0, 3);
  next(ring, IORING_OP_ASYNC_CANCEL, -1, (void*)99, 0, 0, 4);
  say("submit %d", submit(ring, 4, 3));
  reap(ring, "cancel");
  next(ring, IORING_OP_ASYNC_CANCEL, ends[0], NULL, 0, 0, 5)->cancel_flags =
      IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
  say("submit %d", submit(ring, 1, 2));
  reap(ring, "cancel by file");

  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  next(ring, IORING_OP_READ, ends[0], in, 16, 0, 1)->rw_flags = RWF_NOWAIT;
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "does not wait");
  next(ring, IORING_OP_READ, ends[0], in, 16, 0, 1);
  say("submit %d", submit(ring, 1, 0));
  close(ends[1]);
  say("wait %d", submit(ring, 0, 1));
  reap(ring, "end of file");
  close(ends[0]);
}

static void times(struct ring* ring) {
  int ends[2];
  char in[16] = {0};
  if (pipe(ends) != 0) return;
  struct __kernel_timespec soon = {0, 20000000}, later = {100, 0}, bad = {0, -1};
  next(ring, IORING_OP_TIMEOUT, -1, &soon, 1, 0, 1);
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "timeout");
  next(ring, IORING_OP_TIMEOUT, -1, &later, 1, 2, 1);
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 2);
  say("submit %d", submit(ring, 2, 1));
  reap(ring, "one");
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 3);
  say("submit %d", submit(ring, 1, 2));
  reap(ring, "counted");
  next(ring, IORING_OP_TIMEOUT, -1, &later, 1, 0, 1);
  next(ring, IORING_OP_TIMEOUT_REMOVE, -1, (void*)1, 0, 0, 2);
  next(ring, IORING_OP_TIMEOUT_REMOVE, -1, (void*)1, 0, 0, 3);
  say("submit %d", submit(ring, 3, 3));
  reap(ring, "removed");
  next(ring, IORING_OP_TIMEOUT, -1, &bad, 1, 0, 1);
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "no time");
  next(ring, IORING_OP_READ, ends[0], in, 1, 0, 1)->flags = IOSQE_IO_LINK;
  next(ring, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 0, 2);
  say("submit %d", submit(ring, 2, 2));
  reap(ring, "link timeout");
  next(ring, IORING_OP_READ, ends[0], in, 1, 0, 1)->flags = IOSQE_IO_LINK;
  next(ring, IORING_OP_LINK_TIMEOUT, -1, &later, 1, 0, 2)->flags = IOSQE_IO_LINK;
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 3);
  say("submit %d", submit(ring, 3, 0));
  if (write(ends[1], "x", 1) != 1) return;
  say("wait %d", submit(ring, 0, 3));
  reap(ring, "in time");
  next(ring, IORING_OP_LINK_TIMEOUT, -1, &later, 1, 0, 1);
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "alone");
  struct io_uring_getevents_arg extra = {.ts = (uintptr_t)&soon};
  say("enter: %s",
      result(enter(ring->fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &extra, sizeof(extra))));
  say("enter: %s", result(enter(ring->fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &extra, 8)));
  close(ends[0]);
  close(ends[1]);
}

static void sockets(struct ring* ring) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/uring.socket"};
  unlink(address.sun_path);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr*)&address, sizeof(address)) != 0 || listen(listener, 4) != 0) return;
  next(ring, IORING_OP_ACCEPT, listener, NULL, 0, 0, 1);
  say("submit %d", submit(ring, 1, 0));
  reap(ring, "nobody");
  next(ring, IORING_OP_CONNECT, client, &address, 0, sizeof(address), 2);
  say("submit %d", submit(ring, 1, 2));
  const int server = client + 1;
  reap(ring, "connected");
  char in[16] = {0};
  struct iovec piece = {in, sizeof(in)}, text = {"hello", 5};
  struct msghdr from = {.msg_iov = &piece, .msg_iovlen = 1}, to = {.msg_iov = &text, .msg_iovlen = 1};
  next(ring, IORING_OP_RECVMSG, server, &from, 1, 0, 1);
  next(ring, IORING_OP_SENDMSG, client, &to, 1, 0, 2);
  say("submit %d", submit(ring, 2, 2));
  reap(ring, "messages");
  say("%s", in);
  next(ring, IORING_OP_RECV, client, in, 16, 0, 1);
  next(ring, IORING_OP_SEND, server, "good day", 8, 0, 2);
  next(ring, IORING_OP_RECV, server, in, 16, 0, 3)->msg_flags = MSG_DONTWAIT;
  say("submit %d", submit(ring, 3, 3));
  reap(ring, "bytes");
  next(ring, IORING_OP_SHUTDOWN, server, NULL, SHUT_RDWR, 0, 1);
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "one side");
  next(ring, IORING_OP_RECV, client, in, 16, 0, 2);
  next(ring, IORING_OP_SEND, client, "x", 1, 0, 3);
  next(ring, IORING_OP_SHUTDOWN, 0, NULL, SHUT_RDWR, 0, 4);
  say("submit %d", submit(ring, 3, 3));
  reap(ring, "shut down");
  close(server);
  close(client);
  close(listener);
}

static void registers(struct ring* ring) {
  struct {
    struct io_uring_probe head;
    struct io_uring_probe_op ops[64];
  } probe;
  memset(&probe, 0, sizeof(probe));
  say("probe: %s", result(register_it(ring->fd, IORING_REGISTER_PROBE, &probe, 40)));
  say("supported: %d %d", probe.ops[IORING_OP_READ].flags, probe.ops[IORING_OP_ACCEPT].flags);
  say("probe of what is there: %s", result(register_it(ring->fd, IORING_REGISTER_PROBE, &probe, 40)));
  int ends[2];
  static char memory[64] = "from a buffer";
  char in[16] = {0};
  if (pipe(ends) != 0) return;
  const int fds[3] = {ends[0], -1, ends[1]};
  say("files: %s", result(register_it(ring->fd, IORING_REGISTER_FILES, fds, 3)));
  say("again: %s", result(register_it(ring->fd, IORING_REGISTER_FILES, fds, 3)));
  struct iovec buffer = {memory, sizeof(memory)};
  say("buffers: %s", result(register_it(ring->fd, IORING_REGISTER_BUFFERS, &buffer, 1)));
  next(ring, IORING_OP_WRITE_FIXED, 2, memory + 7, 6, 0, 1)->flags = IOSQE_FIXED_FILE;
  next(ring, IORING_OP_READ, 0, in, 16, 0, 2)->flags = IOSQE_FIXED_FILE;
  next(ring, IORING_OP_READ, 1, in, 16, 0, 3)->flags = IOSQE_FIXED_FILE;
  next(ring, IORING_OP_READ, 9, in, 16, 0, 4)->flags = IOSQE_FIXED_FILE;
  next(ring, IORING_OP_WRITE_FIXED, ends[1], memory + 60, 6, 0, 5);
  next(ring, IORING_OP_WRITE_FIXED, ends[1], memory, 6, 0, 6)->buf_index = 1;
  say("submit %d", submit(ring, 6, 6));
  reap(ring, "fixed");
  say("%s", in);
  int change = ends[1];
  struct io_uring_files_update update = {.offset = 1, .fds = (uintptr_t)&change};
  say("update: %d", register_it(ring->fd, IORING_REGISTER_FILES_UPDATE, &update, 1));
  next(ring, IORING_OP_WRITE, 1, "u", 1, 0, 1)->flags = IOSQE_FIXED_FILE;
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "updated");
  say("no files: %s", result(register_it(ring->fd, IORING_UNREGISTER_FILES, NULL, 0)));
  say("no files: %s", result(register_it(ring->fd, IORING_UNREGISTER_FILES, NULL, 0)));
  say("no buffers: %s", result(register_it(ring->fd, IORING_UNREGISTER_BUFFERS, NULL, 0)));
  int events = eventfd(0, EFD_NONBLOCK);
  uint64_t count = 0;
  say("eventfd: %s", result(register_it(ring->fd, IORING_REGISTER_EVENTFD, &events, 1)));
  say("eventfd: %s", result(register_it(ring->fd, IORING_REGISTER_EVENTFD, &events, 1)));
  next(ring, IORING_OP_NOP, -1, NULL, 0, 0, 1);
  say("submit %d", submit(ring, 1, 1));
  reap(ring, "nop");
  say("told: %s %d", result(read(events, &count, 8)), (int)(count != 0));
  say("no eventfd: %s", result(register_it(ring->fd, IORING_UNREGISTER_EVENTFD, NULL, 0)));
  say("no eventfd: %s", result(register_it(ring->fd, IORING_UNREGISTER_EVENTFD, NULL, 0)));
  close(events);
  close(ends[0]);
  close(ends[1]);
}

static void overflows(void) {
  struct ring ring = begin(4, 4, 0);
  for (int i = 0; i != 6; ++i) {
    next(&ring, IORING_OP_NOP, -1, NULL, 0, 0, (uint64_t)i);
    if (enter(ring.fd, 1, 0, 0, NULL, 0) != 1) say("not submitted");
  }
  say("flags %x overflow %u", *word(&ring, ring.params.sq_off.flags),
      *word(&ring, ring.params.cq_off.overflow));
  struct pollfd file = {ring.fd, POLLIN | POLLOUT, 0};
  say("poll %d %x", poll(&file, 1, 0), file.revents);
  reap(&ring, "four");
  say("wait %d", submit(&ring, 0, 2));
  reap(&ring, "two");
  say("flags %x", *word(&ring, ring.params.sq_off.flags));
  word(&ring, ring.params.sq_off.array)[ring.tail & 3] = 77;
  __atomic_store_n(word(&ring, ring.params.sq_off.tail), ++ring.tail, __ATOMIC_RELEASE);
  say("bad index %d", enter(ring.fd, 1, 0, 0, NULL, 0));
  say("dropped %u", *word(&ring, ring.params.sq_off.dropped));
  say("poll %d %x", poll(&file, 1, 0), file.revents);
  end(&ring);
}

static void multishot(struct ring* ring) {
  int ends[2];
  char byte;
  if (pipe(ends) != 0) return;
  next(ring, IORING_OP_POLL_ADD, ends[0], NULL, IORING_POLL_ADD_MULTI, 0, 1)->poll32_events = POLLIN;
  say("submit %d", submit(ring, 1, 0));
  for (int i = 0; i != 2; ++i) {
    if (write(ends[1], "x", 1) != 1) return;
    say("wait %d", submit(ring, 0, 1));
    reap(ring, "again");
    if (read(ends[0], &byte, 1) != 1) return;
  }
  next(ring, IORING_OP_POLL_REMOVE, -1, (void*)1, 0, 0, 2);
  say("submit %d", submit(ring, 1, 2));
  reap(ring, "no more");
  close(ends[0]);
  close(ends[1]);
}

/// Requests are in flight when the ring goes, and when the process does.
static void flies(void) {
  int ends[2];
  static char in[16];
  if (pipe(ends) != 0) return;
  struct ring ring = begin(8, 0, 0);
  struct __kernel_timespec later = {100, 0};
  mkfifo("/tmp/uring.fifo", 0600);
  for (int i = 0; i != 2; ++i) {
    next(&ring, IORING_OP_READ, ends[0], in, 16, 0, 1)->flags = IOSQE_IO_LINK;
    next(&ring, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    next(&ring, IORING_OP_TIMEOUT, -1, &later, 1, 0, 3);
    next(&ring, IORING_OP_OPENAT, AT_FDCWD, "/tmp/uring.fifo", 0, 0, 4);
    next(&ring, IORING_OP_NOP, -1, NULL, 0, 0, 5)->flags = IOSQE_IO_DRAIN;
    say("submit %d", submit(&ring, 5, 0));
    if (i == 0) {
      end(&ring);
      ring = begin(8, 0, 0);
    }
  }
}

/// What a program may do to the memory that it shares.
static void vandals(void) {
  struct ring ring = begin(8, 0, 0);
  uint64_t state = 88172645463325252ULL;
  unsigned* all = (unsigned*)ring.rings;
  const size_t words = (ring.params.sq_off.array + ring.params.sq_entries * 4) / 4;
  for (int i = 0; i != 300; ++i) {
    for (int j = 0; j != 4; ++j) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      all[state % words] = state % 3 == 0 ? (unsigned)(state >> 32) : (unsigned)(state >> 60);
    }
    for (unsigned j = 0; j != 8 * 64; ++j) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      ring.sqes[j] = state % 4 == 0 ? (unsigned char)(state >> 50) : 0;
    }
    struct io_uring_sqe* sqes = (struct io_uring_sqe*)ring.sqes;
    for (int j = 0; j != 8; ++j) {
      sqes[j].opcode = (unsigned char)(state >> (j * 5)) % 40;
      sqes[j].fd = 50 + j;
      sqes[j].addr = 0x1000;
    }
    enter(ring.fd, 8, 0, IORING_ENTER_GETEVENTS, NULL, 0);
    if (i % 50 == 0) {
      close(ring.fd);
      ring = begin(8, 0, 0);
      all = (unsigned*)ring.rings;
    }
  }
  say("still here");
}

int main(void) {
  setups();
  struct ring ring = begin(16, 0, 0);
  files(&ring);
  links(&ring);
  waits(&ring);
  times(&ring);
  sockets(&ring);
  registers(&ring);
  multishot(&ring);
  end(&ring);
  skips();
  overflows();
  in_child("flies", flies);
  in_child("vandals", vandals);
  return 0;
}

// Unix-domain sockets: names, connections, messages, files and credentials that go along, and harmful arguments [C4.17].
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "tests/system/posix/programs/check.h"

static struct sockaddr_un named(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  return address;
}
#define ADDRESS(a) (struct sockaddr*)&(a), sizeof(a)

static void makes(void) {
  say("family: %s", result(socket(77, SOCK_STREAM, 0)));
  say("type: %s", result(socket(AF_UNIX, 9, 0)));
  say("type too large: %s", result(socket(AF_UNIX, 15, 0)));
  say("protocol: %s", result(socket(AF_UNIX, SOCK_STREAM, 6)));
  say("flag: %s", result(socket(AF_UNIX, SOCK_STREAM | 0x100000, 0)));
  const int one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, PF_UNIX);
  say("socket: %s flags %x cloexec %d", result(one), fcntl(one, F_GETFL), fcntl(one, F_GETFD));
  struct stat status;
  say("stat: %s %o", result(fstat(one, &status)), status.st_mode);
  say("lseek: %s", result(lseek(one, 0, SEEK_SET)));
  int pair[2];
  say("pair to nowhere: %s", result(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 16)));
  say("pair of raw: %s", result(socketpair(AF_UNIX, SOCK_RAW, 0, pair)));
  int type = 0;
  socklen_t size = sizeof type;
  say("type of raw: %s %d", result(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &type, &size)), type);
  close(pair[0]);
  close(pair[1]);
  close(one);
  say("no socket: %s", result(listen(0, 1)));
  say("no descriptor: %s", result(listen(99, 1)));
}

static void talks(void) {
  unlink("/tmp/fb_socket");
  const int server = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un name = named("/tmp/fb_socket");
  say("listen unbound: %s", result(listen(server, 3)));
  say("bind: %s", result(bind(server, ADDRESS(name))));
  say("bind again: %s", result(bind(server, ADDRESS(name))));
  say("open: %s", result(open("/tmp/fb_socket", O_RDWR)));
  say("connect too early: %s", result(connect(socket(AF_UNIX, SOCK_STREAM, 0), ADDRESS(name))));
  say("listen: %s", result(listen(server, 3)));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const int client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(client, ADDRESS(name)) != 0) _exit(1);
    char text[20] = {0};
    if (write(client, "hello", 5) != 5 || read(client, text, sizeof text) != 6) _exit(2);
    _exit(strcmp(text, "answer") == 0 ? 0 : 3);
  }
  struct sockaddr_un peer;
  socklen_t size = sizeof peer;
  const int connection = accept4(server, (struct sockaddr*)&peer, &size, SOCK_CLOEXEC);
  say("accept: %s, size %u, cloexec %d", result(connection), size, fcntl(connection, F_GETFD));
  char text[20] = {0};
  const long got = read(connection, text, sizeof text);
  say("read: %ld %s", got, text);
  struct ucred who;
  size = sizeof who;
  say("peer: %s %d", result(getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &size)), who.pid == child);
  size = sizeof peer;
  say("name: %s %u %s", result(getsockname(connection, (struct sockaddr*)&peer, &size)), size, peer.sun_path);
  struct iovec pieces[] = {{"ans", 3}, {"", 0}, {"wer", 3}};
  say("writev: %zd", writev(connection, pieces, 3));
  int status = 0;
  waitpid(child, &status, 0);
  say_status("client", status);
  const long end = read(connection, text, sizeof text);
  say("end: %ld", end);
  say("write: %s", result(send(connection, "x", 1, MSG_NOSIGNAL)));
  close(connection);
  close(server);
  say("connect too late: %s", result(connect(socket(AF_UNIX, SOCK_STREAM, 0), ADDRESS(name))));
  unlink("/tmp/fb_socket");
  say("connect to nothing: %s", result(connect(socket(AF_UNIX, SOCK_STREAM, 0), ADDRESS(name))));
}

static void broken(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  close(pair[1]);
  write(pair[0], "x", 1);
}
static void broken_packet(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
  close(pair[1]);
  say("packet: %s", result(write(pair[0], "x", 1)));
}

static void datagrams(void) {
  const int one = socket(AF_UNIX, SOCK_DGRAM, 0), two = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0fb_test"};
  const socklen_t length = offsetof(struct sockaddr_un, sun_path) + 8;
  say("bind: %s", result(bind(one, (struct sockaddr*)&name, length)));
  say("in use: %s", result(bind(two, (struct sockaddr*)&name, length)));
  struct sockaddr_un automatic = {.sun_family = AF_UNIX};
  say("autobind: %s", result(bind(two, (struct sockaddr*)&automatic, sizeof(sa_family_t))));
  struct sockaddr_un found;
  socklen_t size = sizeof found;
  getsockname(two, (struct sockaddr*)&found, &size);
  say("its name: %u %d", size, found.sun_path[0]);
  say("sendto: %zd", sendto(two, "abcdef", 6, 0, (struct sockaddr*)&name, length));
  say("sendto: %zd", sendto(two, "", 0, 0, (struct sockaddr*)&name, length));
  char text[20] = {0};
  size = sizeof found;
  say("cut: %zd from %d", recvfrom(one, text, 3, MSG_TRUNC, (struct sockaddr*)&found, &size), size == 8);
  say("empty: %zd", recv(one, text, 3, 0));
  say("none: %s", result(recv(one, text, 3, MSG_DONTWAIT)));
  say("too long: %s", result(sendto(two, text, 100000000, 0, (struct sockaddr*)&name, length)));
  struct timeval time = {0, 20000};
  say("timeout: %s", result(setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time)));
  say("after it: %s", result(recv(one, text, 3, 0)));
  struct iovec pieces[] = {{text, 1}, {text + 10, 9}};
  say("connect: %s", result(connect(two, (struct sockaddr*)&name, length)));
  struct iovec parts[] = {{"12", 2}, {"345", 3}};
  say("writev: %zd", writev(two, parts, 2));
  say("readv: %zd %c %s", readv(one, pieces, 2), text[0], text + 10);
  int many = 0;
  write(two, "1234", 4);
  write(two, "12", 2);
  say("FIONREAD: %s %d", result(ioctl(one, FIONREAD, &many)), many);
  struct mmsghdr messages[3] = {0};
  for (int i = 0; i != 3; ++i) {
    messages[i].msg_hdr.msg_iov = pieces;
    messages[i].msg_hdr.msg_iovlen = 2;
  }
  say("recvmmsg: %d %u %u", recvmmsg(one, messages, 3, MSG_WAITFORONE, NULL), messages[0].msg_len,
      messages[1].msg_len);
  say("sendmmsg: %d", sendmmsg(two, messages, 3, 0));
  int on = 1;
  say("FIONBIO: %s", result(ioctl(one, FIONBIO, &on)));
  while (recv(one, text, 20, 0) >= 0) {
  }
  say("read all: %s", result(-1));
  close(one);
  say("gone: %s", result(write(two, "x", 1)));
  say("no peer: %s", result(write(two, "x", 1)));
  close(two);
}

static long send_files(int to, const int* files, int count, const struct ucred* who) {
  struct iovec piece = {"x", 1};
  char room[CMSG_SPACE(300 * sizeof(int)) + CMSG_SPACE(sizeof *who)] __attribute__((aligned(8))) = {0};
  struct msghdr header = {
      .msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  struct cmsghdr* at = CMSG_FIRSTHDR(&header);
  size_t used = 0;
  if (count != 0) {
    *at = (struct cmsghdr){
        .cmsg_len = CMSG_LEN((size_t)count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(at), files, (size_t)count * sizeof(int));
    used += CMSG_SPACE((size_t)count * sizeof(int));
    at = (struct cmsghdr*)(room + used);
  }
  if (who != NULL) {
    *at = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof *who), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
    memcpy(CMSG_DATA(at), who, sizeof *who);
    used += CMSG_SPACE(sizeof *who);
  }
  header.msg_controllen = used;
  return sendmsg(to, &header, 0);
}
static int received[8];
static void receive(int from, size_t room_for, int flags) {
  char text[9];
  struct iovec piece = {text, sizeof text};
  char room[256] __attribute__((aligned(8)));
  memset(room, 0, sizeof room);
  struct msghdr header = {.msg_iov = &piece,
                          .msg_iovlen = 1,
                          .msg_control = room_for == 0 ? NULL : room,
                          .msg_controllen = room_for};
  const long got = recvmsg(from, &header, flags);
  say("got %ld flags %x control %zu", got, (unsigned)header.msg_flags, (size_t)header.msg_controllen);
  if (got < 0) return;
  for (struct cmsghdr* at = CMSG_FIRSTHDR(&header); at != NULL; at = CMSG_NXTHDR(&header, at)) {
    say("  level %d type %d size %zu", at->cmsg_level, at->cmsg_type, (size_t)at->cmsg_len);
    if (at->cmsg_type == SCM_RIGHTS) memcpy(received, CMSG_DATA(at), at->cmsg_len - CMSG_LEN(0));
    if (at->cmsg_type == SCM_CREDENTIALS) {
      struct ucred who;
      memcpy(&who, CMSG_DATA(at), sizeof who);
      say("  of this process: %d, uid %d", who.pid == getpid(), who.uid == getuid());
    }
  }
}

static void passes(void) {
  int pair[2], pipe_ends[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  say("pipe: %s", result(pipe(pipe_ends)));
  say("send: %s", result(send_files(pair[0], pipe_ends, 2, NULL)));
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  receive(pair[1], 100, MSG_CMSG_CLOEXEC);
  char text[9] = {0};
  const long wrote = write(received[1], "through", 7), read_back = read(received[0], text, 9);
  say("through it: %ld %ld %s, cloexec %d", wrote, read_back, text, fcntl(received[0], F_GETFD));
  say("send: %s", result(send_files(pair[0], received, 2, NULL)));
  receive(pair[1], CMSG_LEN(sizeof(int)), 0);
  say("send: %s", result(send_files(pair[0], received, 2, NULL)));
  receive(pair[1], 0, 0);
  say("send: %s", result(send_files(pair[0], received, 2, NULL)));
  receive(pair[1], 10, 0);
  const int bad[1] = {77};
  say("bad file: %s", result(send_files(pair[0], bad, 1, NULL)));
  int many[254];
  for (int i = 0; i != 254; ++i) many[i] = 0;
  say("too many: %s", result(send_files(pair[0], many, 254, NULL)));
  struct ucred who = {getpid(), getuid(), getgid()};
  const int on = 1;
  say("passcred: %s", result(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on)));
  say("send: %s", result(send_files(pair[0], received, 1, &who)));
  receive(pair[1], 100, 0);
  say("write: %zd", write(pair[0], "y", 1));
  receive(pair[1], 100, 0);
  say("write: %zd", write(pair[0], "y", 1));
  receive(pair[1], 20, 0);
  who.pid = 1 << 30;
  say("nobody: %s", result(send_files(pair[0], NULL, 0, &who)));
  // What only refers to itself goes away; nobody sees it, but it must not hurt.
  for (int i = 0; i != 50; ++i) {
    int lost[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, lost);
    send_files(lost[0], lost, 2, NULL);
    send_files(lost[1], lost, 2, NULL);
    close(lost[0]);
    close(lost[1]);
  }
}

static void waits(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  fflush(stdout);
  if (fork() == 0) {
    close(pair[0]);
    static char room[5000];
    long sum = 0, got;
    sleep_ms(5);
    while ((got = read(pair[1], room, sizeof room)) > 0) sum += got;
    _exit(sum == 1000000 ? 0 : 1);
  }
  close(pair[1]);
  static char big[1000000];
  say("write: %zd", write(pair[0], big, sizeof big));
  say("shutdown: %s", result(shutdown(pair[0], SHUT_WR)));
  int status = 0;
  wait(&status);
  say_status("reader", status);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  if (fork() == 0) {
    for (int i = 0; i != 3; ++i) {
      sleep_ms(3);
      write(pair[1], "abc", 3);
    }
    _exit(0);
  }
  say("all: %zd", recv(pair[0], big, 8, MSG_WAITALL));
  wait(&status);
}

static void harms(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
  const long bad = 16;
  char text[9] = {0};
  say("send: %s", result(syscall(SYS_sendto, pair[0], bad, 5, MSG_NOSIGNAL, 0, 0)));
  say("sendmsg: %s", result(syscall(SYS_sendmsg, pair[0], bad, 0)));
  struct iovec piece = {text, 1};
  struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1025};
  say("too many pieces: %s", result(sendmsg(pair[0], &header, 0)));
  header.msg_iovlen = 1;
  header.msg_name = text;
  header.msg_namelen = (socklen_t)-1;
  say("name size: %s", result(sendmsg(pair[0], &header, 0)));
  header.msg_name = NULL;
  header.msg_control = (void*)bad;
  header.msg_controllen = 32;
  say("control: %s", result(sendmsg(pair[0], &header, 0)));
  header.msg_controllen = 1ul << 40;
  say("control size: %s", result(sendmsg(pair[0], &header, 0)));
  header.msg_control = NULL;
  header.msg_controllen = 0;
  header.msg_iov = (struct iovec*)bad;
  say("pieces: %s", result(sendmsg(pair[0], &header, 0)));
  header.msg_iov = &piece;
  piece.iov_len = (size_t)-1;
  say("negative piece: %s", result(sendmsg(pair[0], &header, 0)));
  say("write: %zd", write(pair[0], "kept", 4));
  say("recv: %s", result(syscall(SYS_recvfrom, pair[1], bad, 5, 0, 0, 0)));
  say("kept: %zd", recv(pair[1], text, 9, 0));
  struct sockaddr_un name = named("/tmp/x");
  say("short: %s", result(bind(pair[0], (struct sockaddr*)&name, 1)));
  say("long: %s", result(bind(pair[0], (struct sockaddr*)&name, 129)));
  say("negative: %s", result(bind(pair[0], (struct sockaddr*)&name, (socklen_t)-1)));
  say("nowhere: %s", result(syscall(SYS_bind, pair[0], bad, 10)));
  name.sun_family = AF_INET;
  say("other family: %s", result(bind(pair[0], (struct sockaddr*)&name, 10)));
  socklen_t size = (socklen_t)-1;
  say("getsockname: %s", result(getsockname(pair[0], (struct sockaddr*)&name, &size)));
  size = 4;
  say("getsockopt: %s", result(syscall(SYS_getsockopt, pair[0], SOL_SOCKET, SO_TYPE, bad, &size)));
  say("level: %s", result(setsockopt(pair[0], 6, 1, text, 4)));
  say("option: %s", result(setsockopt(pair[0], SOL_SOCKET, 7777, text, 4)));
  say("small option: %s", result(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, text, 3)));
  say("shutdown: %s", result(shutdown(pair[0], 3)));
  say("accept: %s", result(accept(pair[0], NULL, NULL)));
  say("accept4: %s", result(accept4(pair[0], NULL, NULL, 1)));
}

int main(void) {
  makes();
  talks();
  in_child("broken", broken);
  in_child("broken packet", broken_packet);
  datagrams();
  passes();
  waits();
  harms();
  return 0;
}

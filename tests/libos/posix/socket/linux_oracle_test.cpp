// The host's sockets say what is right: the same calls go to a pair of theirs and to a pair of ours.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <rapidcheck/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "tests/libos/posix/socket/support.hpp"
#include "tests/libos/posix/vfs/ioctl.hpp"

namespace fb::libos::posix::socket::test {
namespace {

struct Plain : Sockets {
  void TestBody() override {}
};

/// What a call comes to, on either side.
struct Outcome {
  long result = 0;  // or -errno
  std::string text;
  std::size_t files = 0;
  bool truncated = false;
  bool operator==(const Outcome&) const = default;
};
void showValue(const Outcome& outcome, std::ostream& out) {
  out << outcome.result << " '" << outcome.text << "' files " << outcome.files << " truncated "
      << outcome.truncated;
}

template <class T>
long number_of(const Answer<T>& answer) {
  return answer ? static_cast<long>(*answer) : -static_cast<long>(answer.error());
}

class Theirs {
 public:
  explicit Theirs(Type type) {
    there_ = socketpair(AF_UNIX, static_cast<int>(type) | SOCK_NONBLOCK, 0, ends_.data()) == 0;
  }
  Theirs(const Theirs&) = delete;
  Theirs& operator=(const Theirs&) = delete;
  ~Theirs() {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }
  [[nodiscard]] bool there() const { return there_; }
  void close_one(std::size_t end) { close(std::exchange(ends_[end], -1)); }
  long send(std::size_t end, std::string text, std::size_t files) {
    iovec piece{.iov_base = text.data(), .iov_len = text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (files != 0) {
      header.msg_control = control.data();
      header.msg_controllen = CMSG_SPACE(files * sizeof(int));
      auto* const head = CMSG_FIRSTHDR(&header);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(files * sizeof(int));
      for (std::size_t i = 0; i < files; ++i) {
        const int one = STDERR_FILENO;
        __builtin_memcpy(CMSG_DATA(head) + i * sizeof(int), &one, sizeof one);
      }
    }
    const auto done = sendmsg(ends_[end], &header, MSG_NOSIGNAL);
    return done < 0 ? -errno : done;
  }
  Outcome receive(std::size_t end, std::size_t count, int flags) {
    Outcome outcome;
    outcome.text.assign(count, '?');
    iovec piece{.iov_base = outcome.text.data(), .iov_len = count};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const auto done = recvmsg(ends_[end], &header, flags);
    outcome.result = done < 0 ? -errno : done;
    outcome.text.resize(done < 0 ? 0 : std::min<std::size_t>(static_cast<std::size_t>(done), count));
    if (done < 0) return outcome;
    outcome.truncated = (header.msg_flags & MSG_TRUNC) != 0;
    for (auto* head = CMSG_FIRSTHDR(&header); head != nullptr; head = CMSG_NXTHDR(&header, head)) {
      outcome.files = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < outcome.files; ++i) {
        int one = -1;
        __builtin_memcpy(&one, CMSG_DATA(head) + i * sizeof(int), sizeof one);
        close(one);
      }
    }
    return outcome;
  }
  long shut(std::size_t end, int how) { return shutdown(ends_[end], how) < 0 ? -errno : 0; }
  std::uint32_t events(std::size_t end) {
    pollfd one{.fd = ends_[end], .events = ~short{0}, .revents = 0};
    return poll(&one, 1, 0) < 0 ? 0 : static_cast<std::uint16_t>(one.revents);
  }
  int readable(std::size_t end) {
    int count = 0;
    return ioctl(ends_[end], FIONREAD, &count) < 0 ? -errno : count;
  }

 private:
  bool there_;
  std::array<int, 2> ends_{-1, -1};
};

class Ours {
 public:
  explicit Ours(Type type) {
    auto ends = plain_.pair(type, vfs::flag::kNonBlock);
    ends_ = {ends.first, ends.second};
  }
  void close_one(std::size_t end) { ends_[end].reset(); }
  long send(std::size_t end, const std::string& text, std::size_t files) {
    return number_of(plain_.send(*ends_[end], text, {.files = std::vector<Ref<vfs::File>>(files, file_)}));
  }
  Outcome receive(std::size_t end, std::size_t count, int flags) {
    const auto got = plain_.receive(*ends_[end], count, static_cast<std::uint32_t>(flags));
    if (!got) return {.result = -static_cast<long>(got.error()), .text = {}, .files = 0, .truncated = false};
    return {.result = static_cast<long>(got->result),
            .text = got->text,
            .files = got->told.files.size(),
            .truncated = got->told.truncated};
  }
  long shut(std::size_t end, int how) {
    const auto done = ends_[end]->shutdown(how);
    return done ? 0 : -static_cast<long>(done.error());
  }
  std::uint32_t events(std::size_t end) { return ends_[end]->poll().events; }
  int readable(std::size_t end) {
    return vfs::test::asked<std::int32_t>(*ends_[end], request::kReadableBytes).value_or(-1);
  }

 private:
  Plain plain_;
  Ref<vfs::File> file_ = make_shared<vfs::File>(Ref<vfs::Inode>(), vfs::flag::kReadWrite).value();
  std::array<Ref<Socket>, 2> ends_;
};

void compare(Type type, const std::vector<std::uint32_t>& words) {
  Theirs theirs(type);
  if (!theirs.there()) return;  // no sockets in this sandbox; the tests beside need none
  Ours ours(type);
  std::array<bool, 2> open{true, true};
  char letter = 'a';
  std::size_t bytes = 0;
  for (const auto raw_word : words) {
    const auto word = raw_word * 2654435761U ^ raw_word >> 13;
    const std::size_t end = (word >> 4) & 1, count = (word >> 5) % 12;
    if (!open[end]) continue;
    switch (word % 16) {
      case 0: {
        const int how = static_cast<int>(count % 4);
        RC_ASSERT(ours.shut(end, how) == theirs.shut(end, how));
        break;
      }
      case 1:
        if (count < 6) continue;
        ours.close_one(end);
        theirs.close_one(end);
        open[end] = false;
        break;
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7: {
        if ((bytes += count) > 400) return;  // long before any buffer is full
        const std::string text(count, letter);
        letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1);
        const std::size_t files = word % 16 < 4 ? (word >> 10) % 3 : 0;
        RC_ASSERT(ours.send(end, text, files) == theirs.send(end, text, files));
        break;
      }
      default: {
        int flags = 0;
        if (word % 16 >= 14) flags |= MSG_PEEK;
        if ((word >> 12) % 4 == 0) flags |= MSG_TRUNC;
        if ((word >> 14) % 4 == 0) flags |= MSG_WAITALL;
        RC_ASSERT(ours.receive(end, count, flags) == theirs.receive(end, count, flags));
      }
    }
    for (const std::size_t each : {std::size_t{0}, std::size_t{1}}) {
      if (!open[each]) continue;
      RC_ASSERT(ours.events(each) == theirs.events(each));
      RC_ASSERT(ours.readable(each) == theirs.readable(each));
    }
  }
}

RC_GTEST_PROP(Oracle, streams_do_what_linux_does_C4_17, (const std::vector<std::uint32_t>& words)) {
  compare(Type::Stream, words);
}
RC_GTEST_PROP(Oracle, datagrams_do_what_linux_does_C4_17, (const std::vector<std::uint32_t>& words)) {
  compare(Type::Datagram, words);
}
RC_GTEST_PROP(Oracle, packets_do_what_linux_does_C4_17, (const std::vector<std::uint32_t>& words)) {
  compare(Type::SequencedPacket, words);
}

}  // namespace
}  // namespace fb::libos::posix::socket::test

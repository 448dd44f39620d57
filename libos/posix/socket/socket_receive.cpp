// Receiving: bytes, or one record.
#include <algorithm>

#include "libos/posix/socket/socket_wait.hpp"

namespace fb::libos::posix::socket {
namespace {

constexpr Identity kNobody{.pid = 0, .uid = kOverflowId, .gid = kOverflowId};

bool same(const Identity& a, const Identity& b) { return a.pid == b.pid && a.uid == b.uid && a.gid == b.gid; }

/// Files that go along, or others to the same when the message stays. Errors: NoMemory.
Answer<> take_files(Message& message, bool peek, Files& into) {
  if (!peek) {
    if (!message.files().empty()) into = message.detach();
    return {};
  }
  for (const auto& file : message.files()) FB_TRY(into.push_back(file));
  return {};
}

}  // namespace

/// One pass over what is there; bytes of different senders are not mixed where it is asked who they are. Nothing is
/// read over behind files. Who peeks sees files also behind the last byte it has room for, as in Linux.
/// (unix_stream_read_generic)
Answer<std::size_t> Socket::receive_stream(vfs::Output& out, std::size_t count, std::uint32_t flags,
                                           Incoming& told, Wait& wait) {
  Endpoint& self = *endpoint_;
  if (self.state != State::Connected) return fail(Errno::Invalid);
  const bool peek = (flags & message::kPeek) != 0;
  const auto low = static_cast<std::size_t>(self.receive_low);
  const bool all = (flags & message::kWaitAll) != 0;
  const std::size_t target = std::max<std::size_t>(all ? count : std::min(low, count), 1);
  std::size_t done = 0;
  Message* at = nullptr;  // the last that was peeked into
  do {
    Message* const next = at != nullptr ? self.messages.next(*at) : self.messages.front();
    if (next == nullptr) {
      if (done >= target || at != nullptr) break;
      Answer<> more;
      if (const Errno error = self.take_error(); error != Errno{}) {
        more = fail(error);
      } else if ((self.shut & shut::kReceive) != 0) {
        break;
      } else {
        more = wait.on(self.to_read);
      }
      if (more) continue;
      if (done == 0) return fail(more.error());
      break;
    }
    if (self.passes_credentials) {
      const Identity who = next->who.value_or(kNobody);
      if (told.who && !same(*told.who, who)) break;
      told.who = who;
    }
    const std::size_t piece = std::min(next->left().size(), count - done);
    if (const auto put = out.put(next->left().first(piece)); !put) {
      if (done == 0) return fail(put.error());
      break;
    }
    done += piece;
    told.from = next->sender().address;
    const bool files = !next->files().empty();
    if (files) FB_TRY(take_files(*next, peek, told.files));
    if (peek) {
      at = next;
    } else {
      next->use(piece);
      if (!next->left().empty()) break;
      static_cast<void>(self.take());
    }
    if (files) break;
  } while (done < count || peek);
  told.size = done;
  return done;
}

Answer<std::size_t> Socket::receive_record(vfs::Output& out, std::size_t count, std::uint32_t flags,
                                           Incoming& told, Wait& wait) {
  Endpoint& self = *endpoint_;
  if (self.connection() && self.state != State::Connected) return fail(Errno::NotConnected);
  for (;;) {
    if (const Errno error = self.take_error(); error != Errno{}) return fail(error);
    if (!self.messages.empty()) break;
    if ((self.shut & shut::kReceive) != 0 && (wait.blocks() || self.connection())) return 0;
    FB_TRY(wait.on(self.to_read));
  }
  const bool peek = (flags & message::kPeek) != 0;
  const std::unique_ptr<Message> taken(peek ? nullptr : self.take());
  Message& message = peek ? *self.messages.front() : *taken;
  const std::size_t size = message.left().size(), piece = std::min(size, count);
  if (piece != 0) FB_TRY(out.put(message.left().first(piece)));
  FB_TRY(take_files(message, peek, told.files));
  if (self.passes_credentials) told.who = message.who.value_or(kNobody);
  told.from = message.sender().address;
  told.truncated = piece < size;
  told.size = size;
  return (flags & message::kTruncated) != 0 ? size : piece;
}

Answer<std::size_t> Socket::receive(vfs::Output& out, std::size_t count, std::uint32_t flags, Incoming& told,
                                    vfs::Waiter& waiter) {
  const bool stream = endpoint_->type == Type::Stream;
  if ((flags & message::kOutOfBand) != 0) return fail(stream ? Errno::Invalid : Errno::NotSupported);
  const bool waits = blocks() && (flags & message::kDontWait) == 0;
  Wait wait(waiter, waits, endpoint_->receive_timeout);
  return stream ? receive_stream(out, count, flags, told, wait)
                : receive_record(out, count, flags, told, wait);
}

Answer<std::size_t> Socket::on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) {
  if (count == 0) return 0;
  Incoming told;
  return receive(out, count, 0, told, waiter);
}

}  // namespace fb::libos::posix::socket

// Sending: in pieces that wait for room, or as one record.
#include <algorithm>

#include "libos/posix/socket/socket_wait.hpp"

namespace fb::libos::posix::socket {
namespace {

/// A stream's longest message.
constexpr std::size_t kPiece = 32'768;

/// Who sends is told; one that nobody has accepted yet may still ask.
bool asked_for(const Endpoint& from, const Endpoint& to) {
  return from.passes_credentials || to.passes_credentials || to.file == nullptr;
}

}  // namespace

/// A message with the bytes, which has room in this socket's buffer.
Answer<std::unique_ptr<Message>> Socket::prepare(Outgoing& what, std::size_t size, Wait& wait) {
  for (;;) {
    if (const Errno error = endpoint_->take_error(); error != Errno{}) return fail(error);
    if ((endpoint_->shut & shut::kSend) != 0) return fail(Errno::BrokenPipe);
    if (endpoint_->may_charge()) break;
    FB_TRY(wait.on(endpoint_->to_write));
  }
  FB_ASSIGN(auto message, Message::make(endpoint_, size));
  if (!what.files.empty()) FB_TRY(message->attach(std::move(what.files)));
  if (size != 0) FB_TRY(what.in.take(message->bytes()));
  return message;
}

Answer<std::size_t> Socket::send_stream(Outgoing& what, Wait& wait) {
  if (!what.to.empty()) {
    return fail(endpoint_->state == State::Connected ? Errno::AlreadyConnected : Errno::NotSupported);
  }
  const Ref<Endpoint> other = endpoint_->peer;
  if (!other) return fail(Errno::NotConnected);
  if ((endpoint_->shut & shut::kSend) != 0) return fail(Errno::BrokenPipe);
  const std::size_t most = std::min<std::size_t>(endpoint_->send_limit / 2, kPiece);
  std::size_t sent = 0;
  while (sent < what.size) {
    const std::size_t size = std::min(what.size - sent, most);
    auto message = prepare(what, size, wait);
    if (message && (other->dead || (other->shut & shut::kReceive) != 0)) message = fail(Errno::BrokenPipe);
    if (!message) {
      if (sent == 0) return fail(message.error());
      break;
    }
    if (what.tells || asked_for(*endpoint_, *other)) {
      (*message)->who = what.who;
    }
    other->put(*std::move(message));
    sent += size;
  }
  return sent;
}

/// By its address, or the peer. Errors: NotConnected, Invalid; of a walk; ConnectionRefused, WrongProtocolType.
Answer<Ref<Endpoint>> Socket::receiver_of(const Outgoing& what) {
  if (!what.to.empty() && endpoint_->type == Type::Datagram) {
    FB_ASSIGN(const Address address, Address::parse(what.to));
    return endpoint_->domain.names.find(address, endpoint_->type, *what.place);
  }
  if (!endpoint_->peer) return fail(Errno::NotConnected);
  if (!endpoint_->peer->dead) return endpoint_->peer;
  if (endpoint_->connection()) return fail(Errno::BrokenPipe);
  const Ref<Endpoint> before = endpoint_->peer;
  endpoint_->set_peer({});
  endpoint_->state = State::Closed;
  endpoint_->disconnected(*before);
  return fail(Errno::ConnectionRefused);
}

Answer<> Socket::deliver(std::unique_ptr<Message> message, const Outgoing& what, Wait& wait) {
  for (;;) {
    FB_ASSIGN(const Ref<Endpoint> other, receiver_of(what));
    if (!other->takes_from(*endpoint_)) return fail(Errno::Perm);
    if ((other->shut & shut::kReceive) != 0) return fail(Errno::BrokenPipe);
    // Two that are connected to each other have the sender's buffer only.
    if (other == endpoint_ || other->peer == endpoint_ || !other->full()) {
      if (what.tells || asked_for(*endpoint_, *other)) {
        message->who = what.who;
      }
      other->put(std::move(message));
      return {};
    }
    FB_TRY(wait.on(other->room));
  }
}

Answer<std::size_t> Socket::send_record(Outgoing& what, Wait& wait) {
  constexpr std::size_t kReserve = 32;
  if (endpoint_->connection()) {
    if (const Errno error = endpoint_->take_error(); error != Errno{}) return fail(error);
    if (endpoint_->state != State::Connected) return fail(Errno::NotConnected);
  } else if (!what.to.empty()) {
    FB_TRY(Address::parse(what.to));
  }
  FB_TRY(autobind_if_asked());
  if (what.size > endpoint_->send_limit - kReserve) return fail(Errno::MessageTooLong);
  FB_ASSIGN(auto message, prepare(what, what.size, wait));
  FB_TRY(deliver(std::move(message), what, wait));
  return what.size;
}

Answer<std::size_t> Socket::send(Outgoing& what, vfs::Waiter& waiter) {
  if ((what.flags & message::kOutOfBand) != 0) return fail(Errno::NotSupported);
  const bool waits = blocks() && (what.flags & message::kDontWait) == 0;
  Wait wait(waiter, waits, endpoint_->send_timeout);
  return endpoint_->type == Type::Stream ? send_stream(what, wait) : send_record(what, wait);
}

Answer<std::size_t> Socket::on_write(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) {
  Outgoing what{.in = in, .size = count, .who = endpoint_->creator, .files = {}, .to = {}};
  return send(what, waiter);
}

}  // namespace fb::libos::posix::socket

// Listening, connecting, accepting.
#include <algorithm>

#include "libos/posix/socket/socket_wait.hpp"

namespace fb::libos::posix::socket {

Answer<> Socket::listen(std::int32_t backlog, const Identity& who) {
  constexpr std::uint32_t kBacklogMost = 4096;  // net.core.somaxconn
  if (!endpoint_->connection()) return fail(Errno::NotSupported);
  if (endpoint_->address.none() || endpoint_->state == State::Connected) return fail(Errno::Invalid);
  endpoint_->backlog = std::min(static_cast<std::uint32_t>(backlog), kBacklogMost);
  endpoint_->state = State::Listening;
  endpoint_->peer_identity = who;  // what those who connect will see
  endpoint_->room.wake_all();
  return {};
}

Answer<> Socket::connect_datagrams(std::span<const std::byte> raw, const vfs::Place& place) {
  if (raw.size() < Address::kNameAt) return fail(Errno::Invalid);
  Ref<Endpoint> other;
  if (Address::family_of(raw) != family::kUnspecified) {
    FB_ASSIGN(const Address address, Address::parse(raw));
    FB_TRY(autobind_if_asked());
    FB_ASSIGN(other, endpoint_->domain.names.find(address, endpoint_->type, place));
    if (!other->takes_from(*endpoint_)) return fail(Errno::Perm);
  }
  const Ref<Endpoint> before = endpoint_->peer;
  endpoint_->state = other ? State::Connected : State::Closed;
  endpoint_->set_peer(other);
  if (before && before != other) endpoint_->disconnected(*before);
  return {};
}

/// Who listens there, with room for one more.
Answer<Ref<Endpoint>> Socket::listener_for(const Address& address, const vfs::Place& place, Wait& wait) {
  for (;;) {
    FB_ASSIGN(const Ref<Endpoint> other, endpoint_->domain.names.find(address, endpoint_->type, place));
    if (other->state != State::Listening || (other->shut & shut::kReceive) != 0) {
      return fail(Errno::ConnectionRefused);
    }
    if (!other->full()) return other;
    FB_TRY(wait.on(other->room));
  }
}

Answer<> Socket::connect(std::span<const std::byte> raw, const vfs::Place& place, const Identity& who,
                         vfs::Waiter& waiter) {
  if (!endpoint_->connection()) return connect_datagrams(raw, place);
  FB_ASSIGN(const Address address, Address::parse(raw));
  FB_TRY(autobind_if_asked());
  Wait wait(waiter, blocks(), endpoint_->send_timeout);
  FB_ASSIGN(const auto listener, listener_for(address, place, wait));
  if (endpoint_->state == State::Connected) return fail(Errno::AlreadyConnected);
  if (endpoint_->state == State::Listening) return fail(Errno::Invalid);
  FB_ASSIGN(const auto embryo, endpoint_->domain.make_endpoint(endpoint_->type, listener->creator));
  FB_TRY(listener->pending.push_back(embryo));
  embryo->set_peer(endpoint_);
  embryo->state = State::Connected;
  embryo->peer_identity = who;
  embryo->address = listener->address;
  endpoint_->set_peer(embryo);
  endpoint_->state = State::Connected;
  endpoint_->peer_identity = listener->peer_identity;
  listener->to_read.wake_all();
  return {};
}

Answer<Ref<Socket>> Socket::accept(std::uint32_t flags, vfs::Waiter& waiter) {
  if (!endpoint_->connection()) return fail(Errno::NotSupported);
  if (endpoint_->state != State::Listening) return fail(Errno::Invalid);
  Wait wait(waiter, blocks(), endpoint_->receive_timeout);
  while (endpoint_->pending.empty()) {
    if (wait.blocks() && (endpoint_->shut & shut::kReceive) != 0) return fail(Errno::Invalid);
    FB_TRY(wait.on(endpoint_->to_read));
  }
  FB_ASSIGN(const auto made, make_for(endpoint_->pending[0], flags));
  endpoint_->pending.erase(0);
  endpoint_->room.wake_all();
  made->endpoint_->passes_credentials = endpoint_->passes_credentials;
  return made;
}

}  // namespace fb::libos::posix::socket

#include "libos/posix/socket/endpoint.hpp"

#include "libos/posix/socket/domain.hpp"

namespace fb::libos::posix::socket {

Endpoint::Endpoint(Domain& its, Type of, const Identity& who) : domain(its), type(of), creator(who) {
  domain.count_endpoint(1);
}

Endpoint::~Endpoint() {
  if (peer) peer->room.remove(relay_);
  domain.count_endpoint(-1);
}

bool Endpoint::full() const { return (state == State::Listening ? pending.size() : message_count) > backlog; }

void Endpoint::put(std::unique_ptr<Message> message) {
  messages.push_back(*message.release());
  ++message_count;
  to_read.wake_all();
}

std::unique_ptr<Message> Endpoint::take() {
  std::unique_ptr<Message> first(messages.pop_front());
  --message_count;
  room.wake_all();
  return first;
}

void Endpoint::set_peer(const Ref<Endpoint>& other) {
  if (peer) peer->room.remove(relay_);
  peer = other;
  to_write.wake_all();
}

void Endpoint::disconnected(Endpoint& before) {
  if (messages.empty()) return;
  if (!before.dead && before.peer.get() == this) {
    before.error = Errno::ConnectionReset;
    before.to_read.wake_all();
    before.to_write.wake_all();
  }
  Messages lost;
  give_up(lost);
  domain.dispose(lost);
}

bool Endpoint::peer_has_room() {
  if (!peer || peer->peer.get() == this || !peer->full()) return true;
  if (!relay_.link.linked()) peer->room.add(relay_);
  return false;
}

void Endpoint::shut_down(std::uint8_t how) {
  const auto shut_one = [](Endpoint& one, std::uint8_t what) {
    one.shut |= what;
    one.to_read.wake_all();
    one.to_write.wake_all();
    one.room.wake_all();
  };
  shut_one(*this, how);
  if (!peer || !connection()) return;
  const bool receives = (how & shut::kReceive) != 0, sends = (how & shut::kSend) != 0;
  shut_one(*peer, static_cast<std::uint8_t>((receives ? shut::kSend : 0) | (sends ? shut::kReceive : 0)));
}

void Endpoint::give_up(Messages& into) {
  while (Message* const next = messages.pop_front()) into.push_back(*next);
  message_count = 0;
  room.wake_all();
}

void Endpoint::close(bool embryo) {
  dead = true;
  state = State::Closed;
  domain.names.forget(*this);
  if (peer && connection()) {
    // One without bytes does not count, where it is the first: so does Linux since 6.13.
    Message* unread = messages.front();
    if (unread != nullptr && unread->left().empty()) unread = messages.next(*unread);
    if (embryo || unread != nullptr) peer->error = Errno::ConnectionReset;
    shut_down(shut::kBoth);
  }
  set_peer({});
  Messages lost;
  give_up(lost);
  const auto orphans = std::move(pending);
  for (const auto& orphan : orphans) orphan->close(true);
  domain.dispose(lost);
}

}  // namespace fb::libos::posix::socket

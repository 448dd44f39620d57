#include "libos/posix/socket/socket.hpp"

namespace fb::libos::posix::socket {
namespace {

constexpr std::uint64_t kDevice = 8;  ///< that sockets are on, as stat tells

}  // namespace

Endpoint* endpoint_of(vfs::File& file) {
  Socket* const socket = Socket::of(file);
  return socket == nullptr ? nullptr : &socket->endpoint();
}

/// A socket's inode has nothing but a Socket, or what O_PATH opened.
Socket* Socket::of(vfs::File& file) {
  if (!file.inode() || !file.inode()->is(vfs::mode::kSocket) || file.path_only()) return nullptr;
  return &static_cast<Socket&>(file);
}

Socket::Socket(const Ref<vfs::Inode>& inode, std::uint32_t flags, const Ref<Endpoint>& endpoint)
    : File(inode, flags | vfs::flag::kReadWrite), endpoint_(endpoint) {
  endpoint_->file = this;
}

Socket::~Socket() {
  endpoint_->close(false);
  endpoint_->file = nullptr;
  endpoint_->domain.closed();
}

Answer<Ref<Socket>> Socket::make_for(const Ref<Endpoint>& endpoint, std::uint32_t flags) {
  FB_ASSIGN(const auto inode, make_shared<vfs::Inode>(vfs::Attributes{.device = kDevice,
                                                                      .inode = endpoint->domain.next_number(),
                                                                      .mode = vfs::mode::kSocket | 0777,
                                                                      .uid = endpoint->creator.uid,
                                                                      .gid = endpoint->creator.gid,
                                                                      .links = 1}));
  return make_shared<Socket>(inode, flags & vfs::flag::kNonBlock, endpoint);
}

Answer<Ref<Socket>> Socket::make(Domain& domain, Type type, const Identity& creator, std::uint32_t flags) {
  FB_ASSIGN(const auto endpoint, domain.make_endpoint(type, creator));
  return make_for(endpoint, flags);
}

Answer<Socket::Pair> Socket::make_pair(Domain& domain, Type type, const Identity& creator,
                                       std::uint32_t flags) {
  FB_ASSIGN(const auto first, make(domain, type, creator, flags));
  FB_ASSIGN(const auto second, make(domain, type, creator, flags));
  const auto join = [&](Endpoint& one, const Ref<Endpoint>& other) {
    one.set_peer(other);
    one.state = State::Connected;
    one.peer_identity = creator;
  };
  join(*first->endpoint_, second->endpoint_);
  join(*second->endpoint_, first->endpoint_);
  return Pair{.first = first, .second = second};
}

Answer<> Socket::autobind_if_asked() {
  if (!endpoint_->passes_credentials || !endpoint_->address.none()) return {};
  return endpoint_->domain.names.add_automatic(*endpoint_);
}

Answer<> Socket::bind(std::span<const std::byte> raw, const vfs::Place& place, std::uint32_t umask) {
  Names& names = endpoint_->domain.names;
  if (raw.size() == Address::kNameAt && Address::family_of(raw) == family::kUnix) {
    return endpoint_->address.none() ? names.add_automatic(*endpoint_) : Answer<>();
  }
  FB_ASSIGN(const Address address, Address::parse(raw));
  if (!address.abstract()) return Names::add_path(endpoint_, address, place, 0777 & ~umask);
  if (!endpoint_->address.none()) return fail(Errno::Invalid);
  return names.add(*endpoint_, address);
}

Answer<> Socket::shutdown(std::int32_t how) {
  if (how < 0 || how > 2) return fail(Errno::Invalid);
  endpoint_->shut_down(static_cast<std::uint8_t>(how + 1));
  return {};
}

Answer<Address> Socket::peer_name() const {
  if (!endpoint_->peer) return fail(Errno::NotConnected);
  return endpoint_->peer->address;
}

vfs::PollState Socket::poll() {
  using namespace vfs::poll;
  Endpoint& self = *endpoint_;
  vfs::PollState state{.events = 0, .queues = {&self.to_read, &self.to_write}};
  if (self.error != Errno{}) state.events |= kError;
  if (self.shut == shut::kBoth) state.events |= kHangUp;
  if ((self.shut & shut::kReceive) != 0) state.events |= kReadHangUp | kIn | kReadNormal;
  if (!self.messages.empty() || !self.pending.empty()) state.events |= kIn | kReadNormal;
  if (self.connection() && self.state == State::Closed) state.events |= kHangUp;
  if (self.writable() && (self.type == Type::Stream || self.peer_has_room())) {
    state.events |= kOut | kWriteNormal | kPollWriteBand;
  }
  return state;
}

Answer<std::uint64_t> Socket::ioctl(std::uint32_t request, std::uint64_t argument, vfs::IoctlCaller& memory) {
  std::size_t count = 0;
  switch (request) {
    case request::kReadableBytes:
      if (endpoint_->state == State::Listening) return fail(Errno::Invalid);
      for (const Message& message : endpoint_->messages) {
        count += message.left().size();
        if (endpoint_->type == Type::Datagram) break;
      }
      break;
    case request::kUnsentBytes:
      count = endpoint_->charged;
      break;
    default:
      return File::ioctl(request, argument, memory);
  }
  const auto number = static_cast<std::int32_t>(count);
  FB_TRY(memory.put(std::as_bytes(std::span(&number, 1))));
  return 0;
}

}  // namespace fb::libos::posix::socket

// Sockets: making, naming and connecting them, their options (C4.17).
#include "libos/posix/call/sockets.hpp"

namespace fb::libos::posix::call {
namespace {

struct Kind {
  socket::Type type;
  std::uint32_t flags;
};

/// The arguments of socket and socketpair. Errors: Invalid, FamilyNotSupported, ProtocolNotSupported,
/// SocketTypeNotSupported.
Answer<Kind> kind_of(const Call& call) {
  using namespace socket::kind;
  const auto flags = call.word32(1) & ~kMask, type = call.word32(1) & kMask;
  if ((flags & ~(kNonBlock | kCloseOnExec)) != 0) return fail(Errno::Invalid);
  if (call.word32(0) != socket::family::kUnix) return fail(Errno::FamilyNotSupported);
  if (type >= kEnd) return fail(Errno::Invalid);
  if (call.word32(2) != 0 && call.word32(2) != socket::family::kUnix) {
    return fail(Errno::ProtocolNotSupported);
  }
  switch (type) {
    case kStream:
      return Kind{socket::Type::Stream, flags};
    case kDatagram:
    case kRaw:
      return Kind{socket::Type::Datagram, flags};
    case kSequencedPacket:
      return Kind{socket::Type::SequencedPacket, flags};
    default:
      return fail(Errno::SocketTypeNotSupported);
  }
}

Answer<vfs::Descriptor> add(Call& call, const Ref<socket::Socket>& made, std::uint32_t flags) {
  return call.process.descriptors.add(made, (flags & socket::kind::kCloseOnExec) != 0);
}

Done accept(Call& call, std::uint32_t flags) {
  if ((flags & ~(socket::kind::kNonBlock | socket::kind::kCloseOnExec)) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto listener, socket_of(call));
  // Where no descriptor is free, the connection stays for later.
  FB_ASSIGN(const auto tried, call.process.descriptors.add(listener, false));
  FB_TRY(call.process.descriptors.close(tried));
  auto waiter = call.waiter();
  FB_ASSIGN(const auto made, listener->accept(flags, waiter));
  if (call.word(1) != 0) {
    FB_ASSIGN(const auto peer, made->peer_name());
    FB_TRY(put_address(call, peer.raw(), call.address(1), call.address(2)));
  }
  FB_ASSIGN(const auto number, add(call, made, flags));
  return static_cast<std::uint64_t>(number);
}

}  // namespace

Done do_socket(Call& call) {
  FB_ASSIGN(const auto kind, kind_of(call));
  FB_ASSIGN(const auto made, socket::Socket::make(call.process.system.sockets, kind.type,
                                                  effective_identity(call), kind.flags));
  FB_ASSIGN(const auto number, add(call, made, kind.flags));
  return static_cast<std::uint64_t>(number);
}

Done do_socketpair(Call& call) {
  FB_ASSIGN(const auto kind, kind_of(call));
  FB_ASSIGN(const auto pair, socket::Socket::make_pair(call.process.system.sockets, kind.type,
                                                       effective_identity(call), kind.flags));
  FB_ASSIGN(const auto first, add(call, pair.first, kind.flags));
  const auto second = add(call, pair.second, kind.flags);
  const auto told = second ? call.put(call.address(3), std::array{first, *second}) : fail(second.error());
  if (told) return 0;
  static_cast<void>(call.process.descriptors.close(first));
  if (second) static_cast<void>(call.process.descriptors.close(*second));
  return fail(told.error());
}

Done do_bind(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  FB_ASSIGN(const auto address, AddressBytes::read(call, call.address(1), call.number32(2)));
  FB_TRY(socket->bind(address.view(), call.process.place(), call.process.umask));
  return 0;
}

Done do_listen(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  FB_TRY(socket->listen(call.number32(1), effective_identity(call)));
  return 0;
}

Done do_connect(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  FB_ASSIGN(const auto address, AddressBytes::read(call, call.address(1), call.number32(2)));
  auto waiter = call.waiter();
  FB_TRY(socket->connect(address.view(), call.process.place(), effective_identity(call), waiter));
  return 0;
}

Done do_accept(Call& call) { return accept(call, 0); }
Done do_accept4(Call& call) { return accept(call, call.word32(3)); }

Done do_shutdown(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  FB_TRY(socket->shutdown(call.number32(1)));
  return 0;
}

Done do_getsockname(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  FB_TRY(put_address(call, socket->name().raw(), call.address(1), call.address(2)));
  return 0;
}

Done do_getpeername(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  FB_ASSIGN(const auto peer, socket->peer_name());
  FB_TRY(put_address(call, peer.raw(), call.address(1), call.address(2)));
  return 0;
}

Done do_setsockopt(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  if (call.number32(4) < 0) return fail(Errno::Invalid);
  if (call.word32(1) != socket::option::kLevel) return fail(Errno::NotSupported);
  std::array<std::byte, 16> room{};  // none is longer
  const auto value = std::span(room).first(std::min<std::size_t>(call.word32(4), room.size()));
  FB_TRY(call.memory().read(call.address(3), value));
  FB_TRY(socket->set_option(call.word32(2), value));
  return 0;
}

Done do_getsockopt(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  if (call.word32(1) != socket::option::kLevel) return fail(Errno::NotSupported);
  FB_ASSIGN(const auto room, call.get<std::int32_t>(call.address(4)));
  if (room < 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto value, socket->option(call.word32(2)));
  const auto size = std::min(static_cast<std::size_t>(room), value.size);
  FB_TRY(call.memory().write(call.address(3), std::span(value.bytes).first(size)));
  FB_TRY(call.put(call.address(4), static_cast<std::int32_t>(size)));
  return 0;
}

}  // namespace fb::libos::posix::call

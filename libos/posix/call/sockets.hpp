// What calls on sockets share.
#pragma once

#include "libos/posix/call/handlers.hpp"
#include "libos/posix/socket/socket.hpp"

namespace fb::libos::posix::call {

/// The argument's. Errors: BadDescriptor, NotSocket.
Answer<Ref<socket::Socket>> socket_of(Call& call, unsigned argument = 0);
/// Who calls, as SO_PEERCRED tells it, and as SCM_CREDENTIALS does.
socket::Identity effective_identity(const Call& call);
socket::Identity real_identity(const Call& call);

/// An address of the program's, read once.
class AddressBytes {
 public:
  /// Errors: Invalid, Fault, NoMemory.
  static Answer<AddressBytes> read(const Call& call, core::VirtAddr at, std::int32_t size);
  [[nodiscard]] std::span<const std::byte> view() const { return std::span(bytes_).first(size_); }

 private:
  std::array<std::byte, socket::Address::kLargest> bytes_{};
  std::size_t size_ = 0;
};

/// Puts as much of an address as there is room for; its whole size goes to `size_to`. Errors: Invalid, Fault, NoMemory.
Answer<> put_address(const Call& call, std::span<const std::byte> raw, core::VirtAddr to, std::int32_t room,
                     core::VirtAddr size_to);
/// The same, with the room that is at `size_at`.
Answer<> put_address(const Call& call, std::span<const std::byte> raw, core::VirtAddr to,
                     core::VirtAddr size_at);
/// What recvfrom and recvmsg tell: nothing for a sender without a name.
inline std::span<const std::byte> sender_of(const socket::Address& from) {
  return from.none() ? std::span<const std::byte>() : from.raw();
}

/// Sends, and raises SIGPIPE where Linux does.
Answer<std::size_t> send_by(Call& call, socket::Socket& socket, socket::Outgoing& what);
/// write() to a socket: like send, by the caller.
Answer<std::size_t> write_socket(Call& call, socket::Socket& socket, vfs::Input& in, std::size_t count);

}  // namespace fb::libos::posix::call

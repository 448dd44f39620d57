#include "libos/posix/call/sockets.hpp"

namespace fb::libos::posix::call {

Answer<Ref<socket::Socket>> socket_of(Call& call, unsigned argument) {
  FB_ASSIGN(const auto file, call.file(argument));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  socket::Socket* const socket = socket::Socket::of(*file);
  if (socket == nullptr) return fail(Errno::NotSocket);
  return Ref<socket::Socket>(*socket);
}

socket::Identity effective_identity(const Call& call) {
  const auto& its = call.process.credentials;
  return {.pid = call.process.pid.raw(), .uid = its.user.effective, .gid = its.group.effective};
}
socket::Identity real_identity(const Call& call) {
  const auto& its = call.process.credentials;
  return {.pid = call.process.pid.raw(), .uid = its.user.real, .gid = its.group.real};
}

Answer<AddressBytes> AddressBytes::read(const Call& call, core::VirtAddr at, std::int32_t size) {
  AddressBytes made;
  if (size < 0 || static_cast<std::size_t>(size) > made.bytes_.size()) return fail(Errno::Invalid);
  made.size_ = static_cast<std::size_t>(size);
  FB_TRY(call.memory().read(at, std::span(made.bytes_).first(made.size_)));
  return made;
}

Answer<> put_address(const Call& call, std::span<const std::byte> raw, core::VirtAddr to, std::int32_t room,
                     core::VirtAddr size_to) {
  if (room < 0) return fail(Errno::Invalid);
  FB_TRY(call.memory().write(to, raw.first(std::min(raw.size(), static_cast<std::size_t>(room)))));
  return call.put(size_to, static_cast<std::int32_t>(raw.size()));
}

Answer<> put_address(const Call& call, std::span<const std::byte> raw, core::VirtAddr to,
                     core::VirtAddr size_at) {
  FB_ASSIGN(const auto room, call.get<std::int32_t>(size_at));
  return put_address(call, raw, to, room, size_at);
}

Answer<std::size_t> send_by(Call& call, socket::Socket& socket, socket::Outgoing& what) {
  auto waiter = call.waiter();
  const auto sent = socket.send(what, waiter);
  const bool silent = (what.flags & socket::message::kNoSignal) != 0 || !socket.signals_broken_pipe();
  if (!sent && sent.error() == Errno::BrokenPipe && !silent) call.broken_pipe();
  return sent;
}

Answer<std::size_t> write_socket(Call& call, socket::Socket& socket, vfs::Input& in, std::size_t count) {
  socket::Outgoing what{.in = in, .size = count, .who = real_identity(call), .files = {}, .to = {}};
  return send_by(call, socket, what);
}

}  // namespace fb::libos::posix::call

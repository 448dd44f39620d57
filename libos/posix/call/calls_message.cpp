// Sending and receiving: sendto, sendmsg, recvfrom, recvmsg, and many messages at once (C4.17).
#include "libos/posix/call/control_input.hpp"
#include "libos/posix/call/control_output.hpp"
#include "libos/posix/call/pieces.hpp"
#include "libos/posix/call/sockets.hpp"
#include "libos/posix/call/time.hpp"

namespace fb::libos::posix::call {
namespace {

using socket::Socket;
constexpr std::uint32_t kMessagesMost = 1024;  ///< of one sendmmsg or recvmmsg

/// A struct mmsghdr.
struct ManyHeader {
  socket::Header header;
  std::uint32_t size, padding;
};
static_assert(sizeof(ManyHeader) == 64);

/// Errors: Fault, Invalid.
Answer<socket::Header> header_at(const Call& call, core::VirtAddr at) {
  FB_ASSIGN(auto header, call.get<socket::Header>(at));
  if (header.name == 0) header.name_size = 0;
  if (header.name_size < 0) return fail(Errno::Invalid);
  constexpr auto kMost = static_cast<std::int32_t>(socket::Address::kLargest);
  header.name_size = std::min(header.name_size, kMost);
  return header;
}

Answer<std::size_t> send_message(Call& call, Socket& socket, core::VirtAddr at, std::uint32_t flags) {
  FB_ASSIGN(const auto header, header_at(call, at));
  FB_ASSIGN(const auto address, AddressBytes::read(call, core::VirtAddr(header.name), header.name_size));
  FB_ASSIGN(auto pieces,
            Pieces::read(call, core::VirtAddr(header.pieces), header.piece_count, Errno::MessageTooLong));
  PiecesInput in(call.memory(), pieces);
  const auto place = call.process.place();
  socket::Outgoing what{.in = in,
                        .size = pieces.size(),
                        .flags = flags,
                        .who = real_identity(call),
                        .files = {},
                        .to = address.view(),
                        .place = &place};
  FB_TRY(read_control(call, header, what));
  return send_by(call, socket, what);
}

/// Files go into descriptors, and what came is told.
Answer<std::size_t> receive_message(Call& call, Socket& socket, core::VirtAddr at, std::uint32_t flags) {
  FB_ASSIGN(const auto header, header_at(call, at));
  FB_ASSIGN(auto pieces,
            Pieces::read(call, core::VirtAddr(header.pieces), header.piece_count, Errno::MessageTooLong));
  PiecesOutput out(call.memory(), pieces);
  auto waiter = call.waiter();
  socket::Incoming told;
  FB_ASSIGN(const auto done, socket.receive(out, pieces.size(), flags, told, waiter));

  ControlOutput control(call, header);
  if (told.who) control.put(socket::control::kCredentials, std::as_bytes(std::span(&*told.who, 1)));
  const bool closes = (flags & socket::message::kCloseOnExec) != 0;
  if (!told.files.empty()) control.put_files(told.files, closes);
  if (header.name != 0) {
    FB_TRY(put_address(call, sender_of(told.from), core::VirtAddr(header.name), header.name_size,
                       at + core::ByteCount(offsetof(socket::Header, name_size))));
  }
  const std::uint32_t answer = (flags & socket::message::kCloseOnExec) |
                               (told.truncated ? socket::message::kTruncated : 0) |
                               (control.truncated() ? socket::message::kControlTruncated : 0);
  FB_TRY(call.put(at + core::ByteCount(offsetof(socket::Header, flags)), answer));
  FB_TRY(call.put(at + core::ByteCount(offsetof(socket::Header, control_size)), control.used()));
  return done;
}

/// `transfer` for each of many headers; the size of each goes behind it. Errors: of the first.
template <class Transfer>
Done for_many(Call& call, std::uint32_t count, const Transfer& transfer) {
  count = std::min(count, kMessagesMost);
  std::uint32_t done = 0;
  for (; done < count; ++done) {
    const auto at = call.address(1) + core::ByteCount(done * sizeof(ManyHeader));
    const auto size = transfer(at, done);
    const auto told =
        size ? call.put(at + core::ByteCount(offsetof(ManyHeader, size)), static_cast<std::uint32_t>(*size))
             : Answer<>(fail(size.error()));
    if (told) continue;
    if (done == 0) return fail(told.error());
    break;
  }
  return done;
}

}  // namespace

Done do_sendto(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  FB_ASSIGN(const auto address,
            AddressBytes::read(call, call.address(4), call.word(4) == 0 ? 0 : call.number32(5)));
  FB_ASSIGN(auto pieces, Pieces::one(call.address(1), call.word(2)));
  PiecesInput in(call.memory(), pieces);
  const auto place = call.process.place();
  socket::Outgoing what{.in = in,
                        .size = pieces.size(),
                        .flags = call.word32(3),
                        .who = real_identity(call),
                        .files = {},
                        .to = address.view(),
                        .place = &place};
  return send_by(call, *socket, what);
}

Done do_recvfrom(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  FB_ASSIGN(auto pieces, Pieces::one(call.address(1), call.word(2)));
  PiecesOutput out(call.memory(), pieces);
  auto waiter = call.waiter();
  socket::Incoming told;
  FB_ASSIGN(const auto done, socket->receive(out, pieces.size(), call.word32(3), told, waiter));
  if (call.word(4) != 0) FB_TRY(put_address(call, sender_of(told.from), call.address(4), call.address(5)));
  return done;
}

Done do_sendmsg(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  return send_message(call, *socket, call.address(1), call.word32(2));
}

Done do_recvmsg(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  return receive_message(call, *socket, call.address(1), call.word32(2));
}

Done do_sendmmsg(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  return for_many(call, call.word32(2), [&](core::VirtAddr at, std::uint32_t) {
    return send_message(call, *socket, at, call.word32(3));
  });
}

/// The time is looked at between messages only, as in Linux (recvmmsg(2), BUGS).
Done do_recvmmsg(Call& call) {
  FB_ASSIGN(const auto socket, socket_of(call));
  core::Nanoseconds deadline = vfs::kForever;
  const auto waiter = call.waiter();
  if (call.word(4) != 0) {
    FB_ASSIGN(const auto time, time_at(call, call.address(4)));
    deadline = after(waiter.now(), time);
  }
  const auto flags = call.word32(3);
  return for_many(call, call.word32(2), [&](core::VirtAddr at, std::uint32_t done) -> Answer<std::size_t> {
    if (done != 0 && waiter.now() >= deadline) return fail(Errno::TryAgain);
    const bool enough = done != 0 && (flags & socket::message::kWaitForOne) != 0;
    return receive_message(call, *socket, at, flags | (enough ? socket::message::kDontWait : 0));
  });
}

}  // namespace fb::libos::posix::call

// What Linux programs and sockets agree on: values and layouts of x86-64 (uapi linux/socket.h, un.h, asm-generic/socket.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fb::libos::posix::socket {

/// The C names are macros wherever <sys/socket.h> is, so these have names of their own.
namespace family {
inline constexpr std::uint32_t kUnspecified = 0, kUnix = 1;
}  // namespace family

/// The second argument of socket(2): a type, and flags above it.
namespace kind {
inline constexpr std::uint32_t kStream = 1, kDatagram = 2, kRaw = 3, kSequencedPacket = 5, kEnd = 11,
                               kMask = 0xf, kNonBlock = 04000, kCloseOnExec = 02000000;
}  // namespace kind

enum class Type : std::uint8_t { Stream = 1, Datagram = 2, SequencedPacket = 5 };

/// MSG_*.
namespace message {
inline constexpr std::uint32_t kOutOfBand = 1, kPeek = 2, kControlTruncated = 8, kTruncated = 0x20,
                               kDontWait = 0x40, kEndOfRecord = 0x80, kWaitAll = 0x100, kNoSignal = 0x4000,
                               kWaitForOne = 0x10000, kCloseOnExec = 0x4000'0000;
}  // namespace message

/// SOL_SOCKET, and SO_*.
namespace option {
inline constexpr std::uint32_t kLevel = 1;
inline constexpr std::uint32_t kDebug = 1, kReuseAddress = 2, kType = 3, kError = 4, kDontRoute = 5,
                               kBroadcast = 6, kSendBuffer = 7, kReceiveBuffer = 8, kKeepAlive = 9,
                               kOutOfBandInline = 10, kPriority = 12, kLinger = 13, kReusePort = 15,
                               kPassCredentials = 16, kPeerCredentials = 17, kReceiveLow = 18, kSendLow = 19,
                               kReceiveTimeout = 20, kSendTimeout = 21, kAccepts = 30, kSendBufferForce = 32,
                               kReceiveBufferForce = 33, kProtocol = 38, kDomain = 39;
}  // namespace option

/// SCM_*.
namespace control {
inline constexpr std::int32_t kRights = 1, kCredentials = 2;
inline constexpr std::size_t kRightsMost = 253;  ///< files of one message
}  // namespace control

namespace request {
inline constexpr std::uint32_t kReadableBytes = 0x541B, kUnsentBytes = 0x5411;  ///< FIONREAD, TIOCOUTQ
}  // namespace request

inline constexpr std::uint32_t kPollWriteBand = 0x200;
inline constexpr std::uint32_t kOverflowId = 65'534;  ///< who sent it was not asked for

/// struct ucred.
struct Identity {
  std::int32_t pid = 0;
  std::uint32_t uid = 0, gid = 0;
};
static_assert(sizeof(Identity) == 12);

/// struct msghdr.
struct Header {
  std::uint64_t name;
  std::int32_t name_size;
  std::uint32_t padding;
  std::uint64_t pieces, piece_count, control, control_size;
  std::uint32_t flags, padding_after;
};
static_assert(sizeof(Header) == 56 && offsetof(Header, pieces) == 16 && offsetof(Header, flags) == 48);

/// struct cmsghdr; what follows is padded to 8 bytes.
struct ControlHeader {
  std::uint64_t size;  ///< with this header, without padding
  std::uint32_t level;
  std::int32_t type;
};
static_assert(sizeof(ControlHeader) == 16);

/// struct timeval, struct linger.
struct Timeval {
  std::int64_t seconds, microseconds;
};
struct Linger {
  std::int32_t on, seconds;
};

}  // namespace fb::libos::posix::socket

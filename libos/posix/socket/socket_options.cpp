// Options of the socket level.
#include <algorithm>

#include "libos/posix/socket/socket.hpp"

namespace fb::libos::posix::socket {
namespace {

constexpr std::uint32_t kBufferMost = Endpoint::kBuffer;  // net.core.wmem_max
constexpr std::uint32_t kSendLeast = 4608, kReceiveLeast = 2304;

/// Twice what is asked for, as Linux has it, between bounds.
std::uint32_t buffer_size(std::int32_t asked, std::uint32_t least) {
  return std::max(std::min(static_cast<std::uint32_t>(asked), kBufferMost) * 2, least);
}

template <class T>
T read_as(std::span<const std::byte> value) {
  T read{};
  std::ranges::copy(value.first(sizeof(T)), std::as_writable_bytes(std::span(&read, 1)).begin());
  return read;
}

template <class T>
Socket::Value value_of(const T& from) {
  Socket::Value value{.bytes = {}, .size = sizeof(T)};
  std::ranges::copy(std::as_bytes(std::span(&from, 1)), value.bytes.begin());
  return value;
}
Socket::Value number(std::uint64_t from) { return value_of(static_cast<std::int32_t>(from)); }

constexpr std::uint64_t kSecond = 1'000'000'000;

Timeval timeval_of(core::Nanoseconds timeout) {
  if (timeout == vfs::kForever) return {.seconds = 0, .microseconds = 0};
  return {.seconds = static_cast<std::int64_t>(timeout.raw() / kSecond),
          .microseconds = static_cast<std::int64_t>(timeout.raw() % kSecond / 1000)};
}

/// Errors: Domain.
Answer<core::Nanoseconds> timeout_of(const Timeval& from) {
  if (from.microseconds < 0 || from.microseconds >= 1'000'000) return fail(Errno::Domain);
  if (from.seconds < 0) return core::Nanoseconds(0);
  if (from.seconds == 0 && from.microseconds == 0) return vfs::kForever;
  constexpr std::int64_t kLong = 1'000'000'000;  // who waits longer waits for ever
  if (from.seconds > kLong) return vfs::kForever;
  return core::Nanoseconds(static_cast<std::uint64_t>(from.seconds) * kSecond +
                           static_cast<std::uint64_t>(from.microseconds) * 1000);
}

/// Switches that change nothing here: told as they were set.
bool stored(std::uint32_t name) {
  return name == option::kDebug || name == option::kReuseAddress || name == option::kDontRoute ||
         name == option::kBroadcast || name == option::kKeepAlive || name == option::kOutOfBandInline;
}

}  // namespace

Answer<> Socket::set_number(std::uint32_t name, std::int32_t value) {
  Endpoint& self = *endpoint_;
  switch (name) {
    case option::kSendBuffer:
    case option::kSendBufferForce:
      self.send_limit = buffer_size(value, kSendLeast);
      self.to_write.wake_all();
      return {};
    case option::kReceiveBuffer:
    case option::kReceiveBufferForce:
      self.receive_limit = buffer_size(value, kReceiveLeast);
      return {};
    case option::kPassCredentials:
      self.passes_credentials = value != 0;
      return {};
    case option::kReceiveLow:
      self.receive_low = value < 0 ? 0x7fff'ffff : std::max(value, 1);
      return {};
    case option::kPriority:
      self.priority = value;
      return {};
    case option::kReusePort:
      return value != 0 ? Answer<>(fail(Errno::NotSupported)) : Answer<>();
    default:
      if (!stored(name)) return fail(Errno::NoProtocolOption);
      self.stored_options = (self.stored_options & ~(1U << name)) | (value != 0 ? 1U << name : 0);
      return {};
  }
}

Answer<> Socket::set_option(std::uint32_t name, std::span<const std::byte> value) {
  if (value.size() < sizeof(std::int32_t)) return fail(Errno::Invalid);
  switch (name) {
    case option::kReceiveTimeout:
    case option::kSendTimeout: {
      if (value.size() < sizeof(Timeval)) return fail(Errno::Invalid);
      auto& timeout = name == option::kSendTimeout ? endpoint_->send_timeout : endpoint_->receive_timeout;
      FB_ASSIGN(timeout, timeout_of(read_as<Timeval>(value)));
      return {};
    }
    case option::kLinger:
      if (value.size() < sizeof(Linger)) return fail(Errno::Invalid);
      endpoint_->linger = read_as<Linger>(value);
      endpoint_->linger.on = endpoint_->linger.on != 0 ? 1 : 0;
      return {};
    default:
      return set_number(name, read_as<std::int32_t>(value));
  }
}

Answer<Socket::Value> Socket::option(std::uint32_t name) {
  Endpoint& self = *endpoint_;
  switch (name) {
    case option::kType:
      return number(static_cast<std::uint64_t>(self.type));
    case option::kDomain:
      return number(family::kUnix);
    case option::kProtocol:
    case option::kReusePort:
      return number(0);
    case option::kError:
      return number(static_cast<std::uint64_t>(self.take_error()));
    case option::kAccepts:
      return number(self.state == State::Listening ? 1 : 0);
    case option::kSendBuffer:
      return number(self.send_limit);
    case option::kReceiveBuffer:
      return number(self.receive_limit);
    case option::kReceiveLow:
      return value_of(self.receive_low);
    case option::kSendLow:
      return number(1);
    case option::kPriority:
      return value_of(self.priority);
    case option::kLinger:
      return value_of(self.linger);
    case option::kPassCredentials:
      return number(self.passes_credentials ? 1 : 0);
    case option::kPeerCredentials:
      return value_of(self.peer_identity.value_or(Identity{.pid = 0, .uid = ~0U, .gid = ~0U}));
    case option::kReceiveTimeout:
      return value_of(timeval_of(self.receive_timeout));
    case option::kSendTimeout:
      return value_of(timeval_of(self.send_timeout));
    default:
      if (!stored(name)) return fail(Errno::NoProtocolOption);
      return number((self.stored_options >> name) & 1);
  }
}

}  // namespace fb::libos::posix::socket

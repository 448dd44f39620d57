// Names of Unix sockets: paths, and names in the abstract namespace (unix(7)).
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "libos/posix/base/errno.hpp"
#include "libos/posix/socket/abi.hpp"

namespace fb::libos::posix::socket {

/// A struct sockaddr_un that has been looked at; none to begin with.
class Address {
 public:
  static constexpr std::size_t kNameAt = 2;
  static constexpr std::size_t kMost = 110;     ///< bytes of a sockaddr_un
  static constexpr std::size_t kLargest = 128;  ///< of any address that a call takes
  static constexpr std::uint32_t kAutobinds = 1 << 20;

  /// Errors: Invalid when it is of another family, too short or too long.
  static Answer<Address> parse(std::span<const std::byte> raw);
  /// The abstract name of five hexadecimal digits that the system gives.
  static Address automatic(std::uint32_t number);
  static std::uint32_t family_of(std::span<const std::byte> raw);

  [[nodiscard]] bool none() const { return size_ <= kNameAt; }
  [[nodiscard]] bool abstract() const { return !none() && raw_[kNameAt] == 0; }
  /// Without its NUL; an abstract one with the NUL that it begins with.
  [[nodiscard]] std::string_view name() const;
  /// As getsockname tells it, with the NUL of a path.
  [[nodiscard]] std::span<const std::byte> raw() const { return std::as_bytes(std::span(raw_)).first(size_); }
  [[nodiscard]] std::uint32_t hash() const;

 private:
  void set(std::string_view name, std::size_t size);

  std::array<char, kMost + 1> raw_{static_cast<char>(family::kUnix)};
  std::size_t size_ = kNameAt;
};

}  // namespace fb::libos::posix::socket

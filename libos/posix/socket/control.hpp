// Control messages as programs send them (cmsg(3)).
#pragma once

#include <array>
#include <optional>
#include <span>

#include "libos/posix/base/errno.hpp"
#include "libos/posix/socket/abi.hpp"

namespace fb::libos::posix::socket {

/// What they say. Of descriptors nothing is known yet.
struct Control {
  std::array<std::int32_t, control::kRightsMost> descriptors{};
  std::size_t count = 0;
  std::optional<Identity> who;
};

/// Messages of other levels mean nothing. Errors: Invalid.
Answer<> parse_control(std::span<const std::byte> bytes, Control& into);

/// From one control message to the next.
constexpr std::uint64_t control_space(std::uint64_t size) { return (size + 7) & ~std::uint64_t{7}; }

}  // namespace fb::libos::posix::socket

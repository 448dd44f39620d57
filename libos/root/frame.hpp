// What root says to whoever runs the machine: frames on the second serial line (docs/running.md).
#pragma once

#include <array>
#include <string_view>

#include "core/text/write.hpp"

namespace fb::libos::root {

enum class FrameType : char {
  Status = 'S',  ///< four bytes, little-endian: the exit status; the machine ends next
  Log = 'L',     ///< a line of root's own, when the console is a command's
  Note = 'N',    ///< the same, of no interest as long as all goes well
};

inline constexpr std::size_t kMaxFramePayload = 4096;

/// SOH, type, length (two bytes, little-endian), payload, EOT. A longer payload is cut.
template <core::text::Sink Line>
void send_frame(Line& line, FrameType type, std::string_view payload) {
  const std::size_t size = payload.size() < kMaxFramePayload ? payload.size() : kMaxFramePayload;
  const std::array<char, 4> head = {'\x01', static_cast<char>(type), static_cast<char>(size & 0xff),
                                    static_cast<char>(size >> 8)};
  line.put(std::string_view(head.data(), head.size()));
  line.put(payload.substr(0, size));
  line.put(std::string_view("\x04", 1));
}

template <core::text::Sink Line>
void send_status(Line& line, int status) {
  const auto bits = static_cast<std::uint32_t>(status);
  std::array<char, 4> payload{};
  for (std::size_t i = 0; i != payload.size(); ++i) payload[i] = static_cast<char>(bits >> (8 * i) & 0xff);
  send_frame(line, FrameType::Status, {payload.data(), payload.size()});
}

}  // namespace fb::libos::root

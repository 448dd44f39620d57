// What a program says to whoever started it, through its console gate: six words there, six words back.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "abi/calls.hpp"
#include "libos/rt/start_info.hpp"

namespace fb::libos::rt {

/// Word 0 is the call in bits 0-7 and a count in bits 8-15. No call blocks: what is not there yet is announced on
/// the program's event (Signal), so a server context is never held by its client.
enum class PortCall : std::uint8_t {
  Write = 1,    ///< count bytes in words 1-5; the answer's word 0 says how many were taken
  Read = 2,     ///< up to count bytes; the answer's word 0 says how many are in words 1-5
  Exit = 3,     ///< word 1: the status that the program ends with
  Request = 4,  ///< words 1-5: see ControlCall; Busy while one is pending
  Answer = 5,   ///< the answer's word 0 is 1 and words 1-5 the answer, or it is 0: not there yet
};
inline constexpr std::size_t kWordBytes = 40;  ///< what words 1-5 carry

/// Word 1 of a Request. The answer's word 1 is 0 or a core::Error. Names are kNameSize bytes in words 3-5, NUL-padded.
enum class ControlCall : std::uint8_t {
  Shutdown = 1,  ///< word 2: exit status of the machine
  List = 2,      ///< word 2: index; answer: word 2 InstanceState, words 3-5 the name; NotFound past the end
  Usage = 3,     ///< word 2: index; answer: word 2 ticks run, word 3 pages used (bits 0-31) and limit (32-63)
  Kill = 4,      ///< name
  Start = 5,     ///< name: one that has ended
  Focus = 6,     ///< name: input goes there from now on
  Crash = 7,     ///< name: takes its code away, so that it faults wherever it is
  Account =
      8,  ///< answer: word 2 pages of root's used or lent (bits 0-31) and limit (32-63), word 3 slots not lent
};

enum class InstanceStatus : std::uint8_t { Ended = 0, Running = 1, Waiting = 2, Failed = 3 };
/// Word 2 of a List answer: status in bits 0-7, context state in bits 8-15, CPU in bits 16-23, restarts in bits
/// 32-63.
struct InstanceState {
  InstanceStatus status{};
  std::uint8_t context_state{};
  std::uint8_t cpu{};
  std::uint32_t restarts{};
  [[nodiscard]] constexpr std::uint64_t raw() const {
    return std::uint64_t{restarts} << 32 | std::uint64_t{cpu} << 16 | std::uint64_t{context_state} << 8 |
           static_cast<std::uint64_t>(status);
  }
  static constexpr InstanceState from(std::uint64_t raw) {
    return {static_cast<InstanceStatus>(raw & 3), static_cast<std::uint8_t>(raw >> 8),
            static_cast<std::uint8_t>(raw >> 16), static_cast<std::uint32_t>(raw >> 32)};
  }
};

using Payload = std::array<std::uint64_t, 5>;

constexpr abi::Words request_words(PortCall call, Payload payload, std::size_t count = 0) {
  abi::Words words{};
  words.w[0] = static_cast<std::uint64_t>(call) | (count & 0xff) << 8;
  for (std::size_t i = 0; i != payload.size(); ++i) words.w[i + 1] = payload[i];
  return words;
}

constexpr Payload payload_of(const abi::Words& words) {
  return {words.w[1], words.w[2], words.w[3], words.w[4], words.w[5]};
}

/// The first min(size, kWordBytes) bytes of `text`, in order of address.
constexpr Payload pack(std::string_view text) {
  Payload payload{};
  for (std::size_t i = 0; i != text.size() && i != kWordBytes; ++i) {
    payload[i / 8] |= std::uint64_t{static_cast<unsigned char>(text[i])} << (i % 8 * 8);
  }
  return payload;
}

/// Fills all of `out`, which is at most kWordBytes long.
constexpr void unpack(const Payload& payload, std::span<char> out) {
  for (std::size_t i = 0; i != out.size() && i != kWordBytes; ++i) {
    out[i] = static_cast<char>(payload[i / 8] >> (i % 8 * 8) & 0xff);
  }
}

/// A name of the last three words; ends at its first NUL.
struct PackedName {
  std::array<char, kNameSize> text{};
  [[nodiscard]] constexpr std::string_view view() const {
    std::size_t size = 0;
    while (size != text.size() && text[size] != '\0') ++size;
    return {text.data(), size};
  }
};
constexpr PackedName name_of(const Payload& payload) {
  PackedName name;
  unpack({payload[2], payload[3], payload[4], 0, 0}, name.text);
  return name;
}
constexpr Payload with_name(std::uint64_t first, std::uint64_t second, std::string_view name) {
  const Payload packed = pack({name.data(), name.size() < kNameSize ? name.size() : kNameSize});
  return {first, second, packed[0], packed[1], packed[2]};
}

}  // namespace fb::libos::rt

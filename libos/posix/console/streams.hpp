// The console's line when it carries several streams: an escape byte switches between them and ends the input.
// docs/running.md has the format, tools/machine/streams.py the other end.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/text/write.hpp"

namespace fb::libos::posix::console {

inline constexpr char kEscape = 0x10;  ///< DLE; twice it is itself

/// What is written belongs to the last one that was named; the first one at the start.
enum class Stream : char {
  Output = '1',
  Error = '2',
  Files = '3',  ///< one newc archive for each thing that was asked for
  Log = '4',    ///< what the LibOS itself has to say
};

/// `sink` outlives it.
template <core::text::Sink S>
class StreamWriter {
 public:
  explicit StreamWriter(S& sink) : sink_(sink) {}

  void put(Stream stream, std::string_view bytes) {
    if (bytes.empty()) return;
    if (stream != current_) command(static_cast<char>(stream));
    current_ = stream;
    while (!bytes.empty()) {
      std::size_t size = 0;
      while (size != bytes.size() && bytes[size] != kEscape) ++size;
      sink_.put({bytes.data(), size});
      if (size == bytes.size()) return;
      command(kEscape);
      bytes.remove_prefix(size + 1);
    }
  }

 private:
  void command(char what) {
    const std::array<char, 2> bytes{kEscape, what};
    sink_.put({bytes.data(), bytes.size()});
  }

  S& sink_;
  Stream current_ = Stream::Output;
};

/// What comes in, byte by byte: itself, the end, or the terminal's new size.
class StreamReader {
 public:
  struct Size {
    std::uint16_t rows, columns;
  };

  /// The byte that this one completes, if it does. One with an unknown meaning is passed over.
  std::optional<char> take(char byte) {
    if (size_left_ != 0) {
      size_bytes_[4 - size_left_--] = static_cast<std::uint8_t>(byte);
      if (size_left_ == 0) {
        const auto word = [this](std::size_t at) {
          return static_cast<std::uint16_t>(size_bytes_[at] | size_bytes_[at + 1] << 8);
        };
        size_ = Size{.rows = word(0), .columns = word(2)};
      }
      return std::nullopt;
    }
    if (!escaped_) {
      escaped_ = byte == kEscape;
      return escaped_ ? std::nullopt : std::optional(byte);
    }
    escaped_ = false;
    if (byte == kEscape) return byte;
    if (byte == kEnd) ended_ = true;
    if (byte == kSize) size_left_ = 4;
    return std::nullopt;
  }
  [[nodiscard]] bool ended() const { return ended_; }
  /// The last one that came; little-endian words on the line.
  [[nodiscard]] std::optional<Size> size() const { return size_; }

 private:
  static constexpr char kEnd = 'e', kSize = 'w';
  bool escaped_ = false, ended_ = false;
  std::uint8_t size_left_ = 0;
  std::array<std::uint8_t, 4> size_bytes_{};
  std::optional<Size> size_;
};

}  // namespace fb::libos::posix::console

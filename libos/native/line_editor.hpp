// One line of input, edited at the keyboard: no history, no completion, no escape sequences.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "core/text/write.hpp"

namespace fb::libos::native {

/// Backspace and Ctrl-H rub out, Ctrl-U clears, Ctrl-C starts over on a new line, Enter ends. Other control characters
/// and escape sequences are passed over. What it shows goes to the sink.
template <core::text::Sink Screen>
class LineEditor {
 public:
  static constexpr std::size_t kLimit = 250;

  enum class Event : std::uint8_t { None, Line, Cancelled, EndOfInput };

  explicit LineEditor(Screen& screen) : screen_(screen) {}

  /// Line: line() is complete, until the next byte. EndOfInput: Ctrl-D on an empty line.
  Event take(char byte) {
    if (ended_) size_ = 0;
    ended_ = false;
    if (escape_ != Escape::None) return pass_over(byte);
    switch (byte) {
      case '\r':
      case '\n':
        // A terminal may send both.
        if (byte == '\n' && std::exchange(after_return_, false)) return Event::None;
        after_return_ = byte == '\r';
        show("\n");
        ended_ = true;
        return Event::Line;
      case '\x03':
        show("^C\n");
        size_ = 0;
        return Event::Cancelled;
      case '\x04':
        return size_ == 0 ? Event::EndOfInput : Event::None;
      case '\x15':
        while (size_ != 0) rub_out();
        return Event::None;
      case '\b':
      case '\x7f':
        if (size_ != 0) rub_out();
        return Event::None;
      case '\x1b':
        escape_ = Escape::Begun;
        return Event::None;
      default:
        break;
    }
    after_return_ = false;
    // UTF-8 travels through byte by byte; a tab would make rubbing out wrong.
    if (static_cast<unsigned char>(byte) < ' ' || size_ == kLimit) return Event::None;
    text_[size_++] = byte;
    screen_.put({&byte, 1});
    return Event::None;
  }

  [[nodiscard]] std::string_view line() const { return {text_.data(), size_}; }

 private:
  enum class Escape : std::uint8_t { None, Begun, Sequence };

  Event pass_over(char byte) {
    // ESC [ parameters final (ECMA-48 5.4), or ESC and one more.
    if (escape_ == Escape::Begun && byte == '[') {
      escape_ = Escape::Sequence;
    } else if (escape_ == Escape::Begun || (byte >= '@' && byte <= '~')) {
      escape_ = Escape::None;
    }
    return Event::None;
  }
  void rub_out() {
    // The bytes of one UTF-8 character together.
    while (size_ > 1 && (static_cast<unsigned char>(text_[size_ - 1]) & 0xc0) == 0x80) --size_;
    --size_;
    show("\b \b");
  }
  void show(std::string_view text) { screen_.put(text); }

  Screen& screen_;
  std::array<char, kLimit> text_{};
  std::size_t size_{};
  Escape escape_{Escape::None};
  bool ended_{};
  bool after_return_{};
};

}  // namespace fb::libos::native

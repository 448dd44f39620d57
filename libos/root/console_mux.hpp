// One screen for many instances: the one in focus writes through, the others by whole lines under their names.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "core/text/write.hpp"
#include "libos/root/config.hpp"

namespace fb::libos::root {

/// Keeps the beginning of each instance's current line: a line of somebody else that comes in between is followed by
/// it once more, so that a prompt stays visible. Not for concurrent use.
template <core::text::Sink Screen>
class ConsoleMux {
 public:
  explicit ConsoleMux(Screen& screen) : screen_(screen) {}

  void name(std::size_t id, std::string_view name) { lines_[id].name = name; }
  [[nodiscard]] std::size_t focus() const { return focus_; }
  /// What the instance has on its current line appears.
  void set_focus(std::size_t id) {
    if (id == focus_) return;
    fresh_line();
    focus_ = id;
    show_current();
  }

  void write(std::size_t id, std::string_view text) {
    while (!text.empty()) {
      std::size_t size = 0;
      while (size != text.size() && text[size] != '\n') ++size;
      const bool ends = size != text.size();
      append(id, text.substr(0, size), ends);
      text.remove_prefix(ends ? size + 1 : size);
    }
  }
  /// Its writer is gone: what it has of a line is shown, and the next one begins afresh.
  void end_line(std::size_t id) {
    Line& line = lines_[id];
    if (id == focus_) {
      fresh_line();
    } else if (line.size != 0) {
      whole_line(line.name, {line.view(), {}});
    }
    line.clear();
  }
  /// A line of root's own; `text` without a newline.
  void announce(std::string_view name, std::string_view text) { whole_line(name, {text, {}}); }

 private:
  static constexpr std::size_t kKept = 160;
  struct Line {
    std::string_view name;
    std::array<char, kKept> text{};
    std::size_t size{};
    bool returned{};  ///< what comes next begins the line over, unless it ends it
    [[nodiscard]] std::string_view view() const { return {text.data(), size}; }
    void clear() {
      size = 0;
      returned = false;
    }
  };
  struct Pieces {
    std::string_view first, second;
  };

  void append(std::size_t id, std::string_view piece, bool ends) {
    Line& line = lines_[id];
    if (id == focus_) {
      screen_.put(piece);
      if (ends) screen_.put(std::string_view("\n", 1));
      keep(line, piece);
      if (ends) line.clear();
      column_ = line.size;
      return;
    }
    while (line.size + piece.size() > kKept) {
      const std::size_t part = kKept - line.size;
      whole_line(line.name, {line.view(), piece.substr(0, part)});
      line.size = 0;
      piece.remove_prefix(part);
    }
    if (ends) {
      whole_line(line.name, {line.view(), piece});
      line.clear();
    } else {
      keep(line, piece);
    }
  }

  /// A carriage return starts the line over: a line editor redraws that way.
  static void keep(Line& line, std::string_view piece) {
    for (const char c : piece) {
      if (c != '\r' && std::exchange(line.returned, false)) line.size = 0;
      if (c == '\r') {
        line.returned = true;
      } else if (c == '\b') {
        line.size -= line.size != 0 ? 1 : 0;
      } else if (line.size != kKept) {
        line.text[line.size++] = c;
      }
    }
  }

  void whole_line(std::string_view name, Pieces pieces) {
    fresh_line();
    core::text::print(screen_, '[', name, "] ", pieces.first, pieces.second, '\n');
    show_current();
  }
  void fresh_line() {
    if (column_ != 0) screen_.put(std::string_view("\n", 1));
    column_ = 0;
  }
  void show_current() {
    screen_.put(lines_[focus_].view());
    column_ = lines_[focus_].size;
  }

  Screen& screen_;
  std::array<Line, kMaxInstances> lines_{};
  std::size_t focus_{};
  std::size_t column_{};  ///< characters on the screen's last line, of the focused instance
};

}  // namespace fb::libos::root

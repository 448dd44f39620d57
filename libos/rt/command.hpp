// What a program is to run, as a file of the boot archive: words with any byte in them, environment, folders.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.hpp"

namespace fb::libos::rt {

/// The first byte of a field; the rest of it, up to its NUL, is the value.
enum class CommandField : char {
  Argument = 'a',     ///< one word; the first one names the program
  Environment = 'e',  ///< NAME=VALUE
  Directory = 'd',    ///< the working directory
  Input = 'i',        ///< a file of the guest that is its standard input, and is not there any more
  Terminal = 't',     ///< "ROWS COLUMNS": input and output are a terminal of that size
  Out = 'o',          ///< a file or folder that whoever runs the machine wants afterwards
};

/// Fields in any order, each ended by a NUL. A view: the text outlives it. See docs/running.md.
class Command {
 public:
  class Iterator;
  struct End {};
  struct Item {
    CommandField field;
    std::string_view value;
  };

  /// Errors: BadFormat (no word, an unknown field, no NUL at the end).
  static constexpr core::Result<Command> parse(std::string_view text);
  [[nodiscard]] constexpr Iterator begin() const;
  [[nodiscard]] constexpr End end() const { return {}; }
  /// The first of that kind, or `otherwise`.
  [[nodiscard]] constexpr std::string_view find(CommandField field, std::string_view otherwise = {}) const;

 private:
  constexpr explicit Command(std::string_view text) : text_(text) {}
  std::string_view text_;
};

class Command::Iterator {
 public:
  constexpr explicit Iterator(std::string_view rest) : rest_(rest) { load(); }
  constexpr const Item& operator*() const { return item_; }
  constexpr const Item* operator->() const { return &item_; }
  constexpr Iterator& operator++() {
    rest_.remove_prefix(item_.value.size() + 2);
    load();
    return *this;
  }
  constexpr bool operator==(End) const { return rest_.empty(); }

 private:
  constexpr void load() {
    if (rest_.empty()) return;
    std::size_t size = 0;
    while (rest_[size] != '\0') ++size;
    item_ = {static_cast<CommandField>(rest_[0]), std::string_view(rest_.data() + 1, size - 1)};
  }

  std::string_view rest_;
  Item item_{};
};

constexpr core::Result<Command> Command::parse(std::string_view text) {
  if (text.empty() || text.back() != '\0') return core::fail(core::Error::BadFormat);
  bool words = false;
  for (std::size_t at = 0; at != text.size(); ++at) {
    switch (static_cast<CommandField>(text[at])) {
      case CommandField::Argument:
        words = true;
        break;
      case CommandField::Environment:
      case CommandField::Directory:
      case CommandField::Input:
      case CommandField::Terminal:
      case CommandField::Out:
        break;
      default:
        return core::fail(core::Error::BadFormat);
    }
    while (text[at] != '\0') ++at;
  }
  if (!words) return core::fail(core::Error::BadFormat);
  return Command(text);
}

constexpr Command::Iterator Command::begin() const { return Iterator(text_); }

constexpr std::string_view Command::find(CommandField field, std::string_view otherwise) const {
  for (const Item& item : *this) {
    if (item.field == field) return item.value;
  }
  return otherwise;
}

}  // namespace fb::libos::rt

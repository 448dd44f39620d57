// Numbers and words of configuration lines and monitor commands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "core/result.hpp"

namespace fb::core::text {

/// All of `digits` in `base` (10 or 16, either case), without sign or prefix. Errors: BadFormat (no digit, or
/// another character), BadArgument (above 2^64 - 1).
constexpr Result<std::uint64_t> parse_digits(std::string_view digits, unsigned base) {
  if (digits.empty()) return fail(Error::BadFormat);
  std::uint64_t value = 0;
  bool too_large = false;
  for (const char c : digits) {
    const char lower = static_cast<char>(c | 0x20);
    unsigned digit = base;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (lower >= 'a' && lower <= 'f') digit = static_cast<unsigned>(lower - 'a') + 10;
    if (digit >= base) return fail(Error::BadFormat);
    too_large = too_large || value > (std::numeric_limits<std::uint64_t>::max() - digit) / base;
    value = value * base + digit;
  }
  if (too_large) return fail(Error::BadArgument);
  return value;
}

constexpr Result<std::uint64_t> parse_decimal(std::string_view text) { return parse_digits(text, 10); }

/// With or without 0x.
constexpr Result<std::uint64_t> parse_hex(std::string_view text) {
  if (text.size() > 1 && text[0] == '0' && (text[1] | 0x20) == 'x') text.remove_prefix(2);
  return parse_digits(text, 16);
}

/// Hexadecimal after 0x, else decimal.
constexpr Result<std::uint64_t> parse_number(std::string_view text) {
  const bool prefixed = text.size() > 1 && text[0] == '0' && (text[1] | 0x20) == 'x';
  return prefixed ? parse_hex(text) : parse_decimal(text);
}

/// for (std::string_view word : split_words(line)): the runs between blanks, tabs and line ends; none is
/// empty.
class Words {
 public:
  struct End {};
  class Iterator {
   public:
    constexpr explicit Iterator(std::string_view rest) : rest_(rest) { ++*this; }
    constexpr std::string_view operator*() const { return word_; }
    constexpr Iterator& operator++() {
      while (!rest_.empty() && separates(rest_.front())) rest_.remove_prefix(1);
      std::size_t size = 0;
      while (size != rest_.size() && !separates(rest_[size])) ++size;
      word_ = rest_.substr(0, size);
      rest_.remove_prefix(size);
      return *this;
    }
    constexpr bool operator==(End) const { return word_.empty(); }
    /// What follows the current word.
    [[nodiscard]] constexpr std::string_view rest() const { return rest_; }

   private:
    static constexpr bool separates(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
    std::string_view word_;
    std::string_view rest_;
  };

  constexpr explicit Words(std::string_view line) : line_(line) {}
  [[nodiscard]] constexpr Iterator begin() const { return Iterator(line_); }
  [[nodiscard]] constexpr End end() const { return {}; }

 private:
  std::string_view line_;
};

constexpr Words split_words(std::string_view line) { return Words(line); }

}  // namespace fb::core::text

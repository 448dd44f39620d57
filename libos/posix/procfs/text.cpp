#include "libos/posix/procfs/text.hpp"

namespace fb::libos::posix::procfs {
namespace {

constexpr std::string_view kBlanks = "                                                                ";

void put_blanks(Text& text, std::size_t count) {
  while (count != 0) {
    const std::size_t piece = count < kBlanks.size() ? count : kBlanks.size();
    text.put({kBlanks.data(), piece});
    count -= piece;
  }
}

}  // namespace

void Text::put_escaped(std::string_view piece, std::string_view special) {
  for (const char c : piece) {
    if (c == '\\' || special.find(c) != std::string_view::npos) {
      put("\\");
      put_octal(*this, static_cast<unsigned char>(c), 3);
    } else {
      put({&c, 1});
    }
  }
}

void put_right(Text& text, std::uint64_t value, std::size_t width) {
  std::size_t digits = 1;
  for (std::uint64_t rest = value / 10; rest != 0; rest /= 10) ++digits;
  if (digits < width) put_blanks(text, width - digits);
  core::text::print_digits(text, value, 10, 1);
}

void put_left(Text& text, std::string_view value, std::size_t width) {
  text.put(value);
  if (value.size() < width) put_blanks(text, width - value.size());
}

void put_hex(Text& text, std::uint64_t value, std::size_t digits) {
  core::text::print_digits(text, value, 16, digits);
}

void put_octal(Text& text, std::uint32_t value, std::size_t digits) {
  core::text::print_digits(text, value, 8, digits);
}

void put_hundredths(Text& text, std::uint64_t value) {
  core::text::print_digits(text, value / 100, 10, 1);
  text.put(".");
  core::text::print_digits(text, value % 100, 10, 2);
}

}  // namespace fb::libos::posix::procfs

// Text that grows, for what /proc says.
#pragma once

#include "core/text/write.hpp"
#include "libos/posix/base/vector.hpp"

namespace fb::libos::posix::procfs {

/// A sink for core::text::print(). What there is no memory or no room for is left out, and said by finish().
class Text {
 public:
  /// Bytes of one piece.
  static constexpr std::size_t kMost = std::size_t{256} << 10;

  void put(std::string_view piece) {
    if (failed_ || piece.size() > kMost - bytes_.size() || !bytes_.reserve(bytes_.size() + piece.size())) {
      failed_ = true;
      return;
    }
    for (const char c : piece) static_cast<void>(bytes_.push_back(c));
  }
  /// In octal, `special` characters and backslashes: as mounts and maps write paths.
  void put_escaped(std::string_view piece, std::string_view special);
  [[nodiscard]] std::string_view view() const { return {bytes_.begin(), bytes_.size()}; }
  void clear() {
    bytes_.clear();
    failed_ = false;
  }
  /// Errors: NoMemory when something was left out.
  [[nodiscard]] Answer<> finish() const { return failed_ ? Answer<>(fail(Errno::NoMemory)) : Answer<>(); }

 private:
  Vector<char> bytes_;
  bool failed_ = false;
};

/// At least `width` characters: a number to the right, text to the left; digits with zeros before them.
void put_right(Text& text, std::uint64_t value, std::size_t width);
void put_left(Text& text, std::string_view value, std::size_t width);
void put_hex(Text& text, std::uint64_t value, std::size_t digits);
void put_octal(Text& text, std::uint32_t value, std::size_t digits);
/// Hundredths as 1.23.
void put_hundredths(Text& text, std::uint64_t value);

}  // namespace fb::libos::posix::procfs

// Text into a buffer of fixed size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "core/text/write.hpp"

namespace fb::core::text {

/// Keeps what fits in the buffer and remembers whether something did not. Does not end it with a NUL.
class BufferSink {
 public:
  constexpr explicit BufferSink(std::span<char> buffer) : buffer_(buffer) {}
  constexpr void put(std::string_view piece) {
    const std::size_t size = std::min(piece.size(), buffer_.size() - used_);
    for (std::size_t i = 0; i != size; ++i) buffer_[used_ + i] = piece[i];
    used_ += size;
    cut_ = cut_ || size != piece.size();
  }
  [[nodiscard]] constexpr std::string_view text() const { return {buffer_.data(), used_}; }
  [[nodiscard]] constexpr bool cut() const { return cut_; }

 private:
  std::span<char> buffer_;
  std::size_t used_{};
  bool cut_{};
};

/// The text, in the buffer, cut where that ends; a BufferSink tells whether it was.
template <class... Ts>
constexpr std::string_view format_to(std::span<char> buffer, const Ts&... values) {
  BufferSink sink(buffer);
  print(sink, values...);
  return sink.text();
}

}  // namespace fb::core::text

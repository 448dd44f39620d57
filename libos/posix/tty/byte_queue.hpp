// Bytes on their way, at most so many.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace fb::libos::posix::tty {

template <std::size_t Capacity>
class ByteQueue {
 public:
  [[nodiscard]] std::size_t size() const { return head_ - tail_; }
  [[nodiscard]] std::size_t room() const { return Capacity - size(); }
  [[nodiscard]] bool empty() const { return head_ == tail_; }
  /// As many as there is room for.
  std::size_t put(std::span<const std::uint8_t> bytes) {
    const auto count = std::min(bytes.size(), room());
    for (const auto byte : bytes.first(count)) bytes_[head_++ % Capacity] = byte;
    return count;
  }
  std::size_t take(std::span<std::uint8_t> into) {
    const auto count = std::min(into.size(), size());
    for (auto& byte : into.first(count)) byte = bytes_[tail_++ % Capacity];
    return count;
  }
  void clear() { tail_ = head_; }

 private:
  std::array<std::uint8_t, Capacity> bytes_{};
  std::size_t head_ = 0, tail_ = 0;  ///< that ever came, that ever went
};

}  // namespace fb::libos::posix::tty

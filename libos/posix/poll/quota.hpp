// How much of something all programs together may hold.
#pragma once

#include <cstdint>

namespace fb::libos::posix::poll {

class Quota {
 public:
  constexpr explicit Quota(std::uint32_t most) : most_(most) {}
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;
  /// All of them, or none.
  [[nodiscard]] bool take(std::uint32_t count = 1) {
    if (count > most_ - used_) return false;
    used_ += count;
    return true;
  }
  void give(std::uint32_t count = 1) { used_ -= count; }
  [[nodiscard]] std::uint32_t used() const { return used_; }

 private:
  std::uint32_t most_, used_ = 0;
};

}  // namespace fb::libos::posix::poll

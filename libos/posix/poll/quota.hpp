// How much of something all programs together may hold.
#pragma once

#include <cstdint>

namespace fb::libos::posix::poll {

class Quota {
 public:
  constexpr explicit Quota(std::uint32_t most) : most_(most) {}
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;
  [[nodiscard]] bool take() {
    if (used_ >= most_) return false;
    ++used_;
    return true;
  }
  void give() { --used_; }
  [[nodiscard]] std::uint32_t used() const { return used_; }

 private:
  std::uint32_t most_, used_ = 0;
};

}  // namespace fb::libos::posix::poll

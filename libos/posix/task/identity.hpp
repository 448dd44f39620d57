// What an instance calls itself.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace fb::libos::posix::task {

inline constexpr std::string_view kRelease = "6.12.0-feuerbird", kVersion = "#1 FeuerBird POSIX LibOS";

/// A name of sethostname(2) or setdomainname(2).
class SystemName {
 public:
  static constexpr std::size_t kMost = 64;
  constexpr explicit SystemName(std::string_view name) { set(name); }
  [[nodiscard]] constexpr std::string_view view() const { return {text_.data(), size_}; }
  constexpr void set(std::string_view name) {
    size_ = std::min(name.size(), kMost);
    std::copy_n(name.data(), size_, text_.data());
  }

 private:
  std::array<char, kMost> text_{};
  std::size_t size_ = 0;
};

struct Identity {
  SystemName host{"feuerbird"}, domain{"(none)"};
};

}  // namespace fb::libos::posix::task

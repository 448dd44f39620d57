// What the supervisor, the tests and every context that maps this image share.
#pragma once

#include <atomic>
#include <cstddef>

#include "tests/system/harness/tap.hpp"

namespace fb::test {

inline constexpr std::uint32_t kLines = 256;  ///< of diagnostics per test; more are counted, not kept

struct Line {
  std::atomic<bool> ready{false};
  std::size_t size{};
  char text[192]{};
};

struct State {
  Case* first_case{};
  Case* last_case{};
  std::atomic<std::uint32_t> failures{0};
  const char* skipped{};
  std::atomic<std::uint32_t> lines_claimed{0};
  Line lines[kLines];
};
extern State state;

}  // namespace fb::test

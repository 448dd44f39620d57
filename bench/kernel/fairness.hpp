// How fair a lock was, from the order in which its holders had it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace fb::bench {

inline constexpr std::size_t kMostHolders = 16;

struct Fairness {
  std::uint64_t median;   ///< Jain's index of a window (squared sum / (n * sum of squares)), times 1000
  std::uint64_t worst;    ///< of the least fair window
  std::uint64_t longest;  ///< the most turns of others between two of one holder
};

/// Jain's index of how often each of `holders` had the lock, times 1000.
inline std::uint64_t jain(std::span<const std::uint64_t> turns) {
  std::uint64_t sum = 0;
  std::uint64_t squares = 0;
  for (const auto each : turns) {
    sum += each;
    squares += each * each;
  }
  return squares == 0 ? 1000 : sum * sum * 1000 / (turns.size() * squares);
}

/// Windows of four turns for each holder: in the long run a lock may be fair that makes people wait.
inline Fairness fairness(std::span<const std::uint8_t> holders_in_order, std::size_t holders) {
  constexpr std::size_t kMostWindows = 512;
  const std::size_t window = 4 * holders;
  std::array<std::uint64_t, kMostWindows> indices{};
  std::size_t windows = 0;
  for (std::size_t at = 0; at + window <= holders_in_order.size() && windows != kMostWindows; at += window) {
    std::array<std::uint64_t, kMostHolders> turns{};
    for (const auto who : holders_in_order.subspan(at, window)) turns[who] += 1;
    indices[windows++] = jain({turns.data(), holders});
  }
  std::sort(indices.begin(), indices.begin() + windows);

  std::uint64_t longest = 0;
  std::array<std::size_t, kMostHolders> last{};  // one more than where it was; 0: not yet
  for (std::size_t at = 0; at != holders_in_order.size(); ++at) {
    auto& before = last[holders_in_order[at]];
    if (before != 0) longest = std::max<std::uint64_t>(longest, at - before);
    before = at + 1;
  }
  return windows == 0 ? Fairness{1000, 1000, longest} : Fairness{indices[windows / 2], indices[0], longest};
}

}  // namespace fb::bench

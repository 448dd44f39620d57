// The repetitions of one row, and what is said of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fb::bench {

/// Instructions, or ticks: the same thing here.
struct Summary {
  std::uint64_t median, worst;
  std::uint64_t repetitions;
  std::uint64_t disturbed;  ///< repetitions in which the slice's timer may have interrupted: left out
};

class Samples {
 public:
  void clear() { count_ = disturbed_ = longest_ = 0; }
  /// The first is the warm-up: it is dropped.
  void add(std::uint64_t value, bool disturbed);
  /// Sorts in place. A row whose repetitions are all longer than a slice is summarised with them.
  [[nodiscard]] Summary summary();
  /// Of all there are, the warm-up included.
  [[nodiscard]] std::uint64_t longest() const { return longest_; }

 private:
  static constexpr std::size_t kMost = 2048;
  std::uint64_t values_[kMost]{};
  std::uint64_t spoilt_[kMost]{};
  std::uint64_t longest_ = 0;
  std::size_t count_ = 0;      // with the warm-up
  std::size_t disturbed_ = 0;  // of those
};

}  // namespace fb::bench

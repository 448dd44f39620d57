#include "bench/kernel/samples.hpp"

#include <algorithm>

namespace fb::bench {

void Samples::add(std::uint64_t value, bool disturbed) {
  count_ += 1;
  longest_ = std::max(longest_, value);
  if (count_ == 1) return;
  const std::size_t kept = count_ - 2 - disturbed_;
  if (disturbed && disturbed_ < kMost) {
    spoilt_[disturbed_++] = value;
  } else if (!disturbed && kept < kMost) {
    values_[kept] = value;
  } else {
    count_ -= 1;
  }
}

Summary Samples::summary() {
  const std::size_t kept = count_ - 1 - disturbed_;
  auto* const values = kept != 0 ? values_ : spoilt_;
  const std::size_t count = kept != 0 ? kept : disturbed_;
  std::sort(values, values + count);
  return {values[count / 2], values[count - 1], count, disturbed_};
}

}  // namespace fb::bench

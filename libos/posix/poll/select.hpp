// select: the same in bits.
#pragma once

#include <array>

#include "libos/posix/poll/poll_set.hpp"

namespace fb::libos::posix::poll {

/// To read, to write, and exceptional; a bit for each descriptor. Sets that the program does not name have no words.
struct SelectSets {
  static constexpr std::uint32_t kWordBits = 64;
  std::array<Vector<std::uint64_t>, 3> sets;

  /// Of the descriptors from `first` on, which is a multiple of kWordBits.
  [[nodiscard]] std::uint64_t word(std::size_t set, std::uint32_t first) const {
    return sets[set].empty() ? 0 : sets[set][first / kWordBits];
  }
  void set_word(std::size_t set, std::uint32_t first, std::uint64_t word) {
    if (!sets[set].empty()) sets[set][first / kWordBits] = word;
  }
};

/// How many of the first `count` descriptors are looked at: no more than Linux's table, as programs leave garbage above it.
[[nodiscard]] std::uint32_t select_limit(const vfs::Descriptors& descriptors, std::uint32_t count);

/// The bits of the first `count` become those that are ready; says how many. All sets are as they were on an error:
/// BadDescriptor for one that is not open, and those of wait_ready().
Answer<std::size_t> select(const vfs::Descriptors& descriptors, std::uint32_t count, SelectSets& sets,
                           vfs::Waiter& waiter, core::Nanoseconds deadline);

}  // namespace fb::libos::posix::poll

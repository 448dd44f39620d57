#include "libos/posix/poll/select.hpp"

#include <algorithm>
#include <bit>

namespace fb::libos::posix::poll {
namespace {

/// What makes a bit of each set. A hang-up ends no wait to write.
constexpr std::array<std::uint32_t, 3> kBits{
    vfs::poll::kIn | vfs::poll::kReadNormal | event::kReadBand | vfs::poll::kHangUp | vfs::poll::kError,
    vfs::poll::kOut | vfs::poll::kWriteNormal | event::kWriteBand | vfs::poll::kError, vfs::poll::kPriority};

/// A word of each set.
struct Block {
  Block(const SelectSets& sets, std::uint32_t first, std::uint32_t count) {
    for (std::size_t set = 0; set < words.size(); ++set) words[set] = sets.word(set, first);
    any = words[0] | words[1] | words[2];
    if (count - first < SelectSets::kWordBits) any &= (std::uint64_t{1} << (count - first)) - 1;
  }
  /// Those that have it, a bit each.
  [[nodiscard]] std::uint32_t having(std::uint32_t bit) const {
    return static_cast<std::uint32_t>((words[0] >> bit & 1) | (words[1] >> bit & 1) << 1 |
                                      (words[2] >> bit & 1) << 2);
  }

  std::array<std::uint64_t, kBits.size()> words{};
  std::uint64_t any = 0;
};

/// What is looked for on behalf of `sets`, a bit each.
constexpr std::uint32_t events_of(std::uint32_t sets) {
  std::uint32_t events = 0;
  for (std::uint32_t set = 0; set < kBits.size(); ++set) events |= (sets >> set & 1) != 0 ? kBits[set] : 0;
  return events;
}
constexpr std::array<std::uint32_t, 8> kEvents = [] {
  std::array<std::uint32_t, 8> events{};
  for (std::uint32_t sets = 0; sets < events.size(); ++sets) events[sets] = events_of(sets);
  return events;
}();

/// Errors: BadDescriptor, NoMemory.
Answer<> collect(const vfs::Descriptors& descriptors, std::uint32_t count, const SelectSets& sets,
                 Vector<PollEntry>& entries) {
  std::size_t most = 0;
  for (std::uint32_t first = 0; first < count; first += SelectSets::kWordBits)
    most += static_cast<std::size_t>(std::popcount(Block(sets, first, count).any));
  FB_TRY(entries.reserve(most));
  for (std::uint32_t first = 0; first < count; first += SelectSets::kWordBits) {
    const Block block(sets, first, count);
    for (std::uint64_t left = block.any; left != 0; left &= left - 1) {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(left));
      FB_ASSIGN(auto file, descriptors.get(static_cast<vfs::Descriptor>(first + bit)));
      if (file->path_only()) return fail(Errno::BadDescriptor);
      FB_TRY(entries.push_back({.file = std::move(file), .wanted = kEvents[block.having(bit)]}));
    }
  }
  return {};
}

/// The bits of `block` that are ready, in the order of `entry`, which is moved on; says how many.
std::size_t keep_ready(Block& block, const PollEntry*& entry) {
  const std::array<std::uint64_t, kBits.size()> wanted = std::exchange(block.words, {});
  std::size_t bits = 0;
  for (std::uint64_t left = block.any; left != 0; left &= left - 1) {
    const std::uint32_t found = entry++->found;
    if (found == 0) continue;
    for (std::size_t set = 0; set < kBits.size(); ++set) {
      const std::uint64_t bit = wanted[set] & left & (~left + 1);
      if (bit == 0 || (found & kBits[set]) == 0) continue;
      block.words[set] |= bit;
      ++bits;
    }
  }
  return bits;
}

}  // namespace

std::uint32_t select_limit(const vfs::Descriptors& descriptors, std::uint32_t count) {
  constexpr std::size_t kFirst = 64, kNext = 128;
  const std::size_t reached = descriptors.reached();
  const std::size_t table = reached <= kFirst ? kFirst : std::max(kNext, std::bit_ceil(reached));
  return static_cast<std::uint32_t>(std::min<std::size_t>(count, table));
}

Answer<std::size_t> select(const vfs::Descriptors& descriptors, std::uint32_t count, SelectSets& sets,
                           vfs::Waiter& waiter, core::Nanoseconds deadline) {
  Vector<PollEntry> entries;
  FB_TRY(collect(descriptors, count, sets, entries));
  FB_TRY(wait_ready({entries.begin(), entries.size()}, waiter, deadline));
  std::size_t bits = 0;
  const PollEntry* entry = entries.begin();
  for (std::uint32_t first = 0; first < count; first += SelectSets::kWordBits) {
    Block block(sets, first, count);
    bits += keep_ready(block, entry);
    for (std::size_t set = 0; set < kBits.size(); ++set) sets.set_word(set, first, block.words[set]);
  }
  return bits;
}

}  // namespace fb::libos::posix::poll

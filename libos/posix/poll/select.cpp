#include "libos/posix/poll/select.hpp"

#include <algorithm>
#include <bit>

namespace fb::libos::posix::poll {
namespace {

/// What makes a bit of each set. A hang-up ends no wait to write.
constexpr std::array<std::uint32_t, 3> kBits{
    vfs::poll::kIn | vfs::poll::kReadNormal | event::kReadBand | vfs::poll::kHangUp | vfs::poll::kError,
    vfs::poll::kOut | vfs::poll::kWriteNormal | event::kWriteBand | vfs::poll::kError, vfs::poll::kPriority};

struct Wanted {
  std::uint32_t descriptor;
  std::uint32_t sets;  ///< a bit each
};

/// Errors: BadDescriptor, NoMemory.
Answer<> collect(const vfs::Descriptors& descriptors, std::uint32_t count, const SelectSets& sets,
                 Vector<PollEntry>& entries, Vector<Wanted>& wanted) {
  for (std::uint32_t number = 0; number < count; ++number) {
    PollEntry entry;
    std::uint32_t in = 0;
    for (std::size_t set = 0; set < sets.sets.size(); ++set) {
      if (!sets.has(set, number)) continue;
      entry.wanted |= kBits[set];
      in |= 1U << set;
    }
    if (in == 0) continue;
    FB_ASSIGN(entry.file, descriptors.get(static_cast<vfs::Descriptor>(number)));
    if (entry.file->path_only()) return fail(Errno::BadDescriptor);
    FB_TRY(entries.push_back(std::move(entry)));
    FB_TRY(wanted.push_back({.descriptor = number, .sets = in}));
  }
  return {};
}

/// Those of `wanted` that are ready.
std::uint32_t sets_of(const PollEntry& entry, std::uint32_t wanted) {
  std::uint32_t found = 0;
  for (std::uint32_t set = 0; set < kBits.size(); ++set) {
    if ((entry.found & kBits[set]) != 0) found |= 1U << set;
  }
  return found & wanted;
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
  Vector<Wanted> wanted;
  FB_TRY(collect(descriptors, count, sets, entries, wanted));
  FB_TRY(wait_ready({entries.begin(), entries.size()}, waiter, deadline));
  for (auto& set : sets.sets) std::ranges::fill(set, 0);
  std::size_t bits = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint32_t found = sets_of(entries[i], wanted[i].sets);
    for (std::uint32_t set = 0; set < kBits.size(); ++set) {
      if ((found >> set & 1) == 0) continue;
      const std::uint32_t number = wanted[i].descriptor;
      sets.sets[set][number / SelectSets::kWordBits] |= std::uint64_t{1} << number % SelectSets::kWordBits;
      ++bits;
    }
  }
  return bits;
}

}  // namespace fb::libos::posix::poll

// Waiting until one of many files is ready: what poll and select are made of.
#pragma once

#include <memory>
#include <span>

#include "libos/posix/poll/abi.hpp"
#include "libos/posix/vfs/descriptors.hpp"

namespace fb::libos::posix::poll {

/// One file and what is waited for. No file: it is found to be Invalid, unless it is `skipped`.
struct PollEntry {
  Ref<vfs::File> file;
  std::uint32_t wanted = 0;  ///< nothing else counts, not even errors
  std::uint32_t found = 0;
  bool skipped = false;
};

/// Looks at all of them until at least one is ready, or `deadline`, which may have passed already; says how many are. Errors:
/// NoMemory, RestartNoHandler for a signal.
Answer<std::size_t> wait_ready(std::span<PollEntry> entries, vfs::Waiter& waiter, core::Nanoseconds deadline);

/// poll: fills in what is found. Errors: Invalid for more than there may be descriptors, and those of wait_ready().
Answer<std::size_t> poll(const vfs::Descriptors& descriptors, std::span<PollRecord> records,
                         vfs::Waiter& waiter, core::Nanoseconds deadline);

}  // namespace fb::libos::posix::poll

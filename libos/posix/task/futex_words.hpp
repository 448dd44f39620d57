// Words in programs' memory that threads sleep on.
#pragma once

#include "libos/posix/sync/futexes.hpp"
#include "libos/posix/task/process.hpp"

namespace fb::libos::posix::task {

/// FUTEX_WAITERS, FUTEX_OWNER_DIED and FUTEX_TID_MASK of priority-inheriting and robust futexes.
inline constexpr std::uint32_t kFutexWaiters = 1U << 31, kFutexOwnerDied = 1U << 30,
                               kFutexTid = kFutexOwnerDied - 1;

/// Which word it is; with `shared`, also to others that share the memory. Errors: Invalid unless it is aligned, Fault.
Answer<sync::FutexKey> futex_key(Process& process, core::VirtAddr word, bool shared);
/// Errors: Fault.
Answer<std::uint32_t> read_word(Process& process, core::VirtAddr word);
Answer<> write_word(Process& process, core::VirtAddr word, std::uint32_t value);

}  // namespace fb::libos::posix::task

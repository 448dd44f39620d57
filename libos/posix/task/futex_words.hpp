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
/// One look at it. Errors: Invalid, Fault.
Answer<std::uint32_t> read_word(Process& process, core::VirtAddr word);
/// `fresh` if it is still `old`; whether it was. Programs change it meanwhile, by atomic instructions. Errors: Invalid, Fault.
Answer<bool> replace_word(Process& process, core::VirtAddr word, std::uint32_t old, std::uint32_t fresh);
/// From what it is, whatever that is, to what `change` makes of it; what it was. Errors: those, and of `change`.
template <class Change>
Answer<std::uint32_t> change_word(Process& process, core::VirtAddr word, Change change) {
  for (;;) {
    FB_ASSIGN(const std::uint32_t old, read_word(process, word));
    FB_ASSIGN(const std::uint32_t fresh, change(old));
    FB_ASSIGN(const bool done, replace_word(process, word, old, fresh));
    if (done) return old;
  }
}

}  // namespace fb::libos::posix::task

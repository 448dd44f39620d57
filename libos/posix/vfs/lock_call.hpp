// fcntl's locks as programs ask for them: struct flock, and what its fields mean (POSIX fcntl).
#pragma once

#include "libos/posix/vfs/file.hpp"
#include "libos/posix/vfs/locks.hpp"

namespace fb::libos::posix::vfs {

/// struct flock.
struct FileLock {
  enum Type : std::int16_t { kRead, kWrite, kUnlock };
  std::int16_t type = kRead, whence = 0;
  std::uint32_t padding = 0;
  std::int64_t start = 0, length = 0;
  std::int32_t pid = 0;
  std::uint32_t padding_after = 0;
};
static_assert(sizeof(FileLock) == 32);

/// What the process of `owner` does to a file: by itself, or with `description` as F_OFD_*: its description does it.
struct LockCall {
  File& file;
  LockOwner& owner;
  std::int32_t pid;
  bool description;
};
/// F_GETLK. Errors: Invalid, Overflow.
Answer<FileLock> get_lock(const LockCall& call, const FileLock& lock);
/// F_SETLK, F_SETLKW with a waiter. Errors: Invalid, Overflow, BadDescriptor, those of Locks.
Answer<> set_lock(const LockCall& call, const FileLock& lock, Waiter* waiter);
/// flock: LOCK_SH 1, LOCK_EX 2, LOCK_NB 4, LOCK_UN 8. Errors: Invalid, those of Locks.
Answer<> lock_whole(File& file, std::uint32_t operation, Waiter& waiter);

}  // namespace fb::libos::posix::vfs

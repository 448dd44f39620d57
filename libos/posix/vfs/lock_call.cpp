#include "libos/posix/vfs/lock_call.hpp"

namespace fb::libos::posix::vfs {
namespace {

/// From and to which byte. Errors: Invalid, Overflow.
Answer<RangeLock> range_of(const LockCall& call, const FileLock& lock) {
  constexpr auto kLast = static_cast<std::int64_t>(kLargestFile);
  std::int64_t base = 0;
  switch (static_cast<Whence>(lock.whence)) {
    case Whence::Set:
      break;
    case Whence::Current:
      base = static_cast<std::int64_t>(call.file.seek(0, Whence::Current).value_or(0));
      break;
    case Whence::End:
      base = static_cast<std::int64_t>(call.file.inode()->attributes().size);
      break;
    default:
      return fail(Errno::Invalid);
  }
  std::int64_t first = 0, last = kLast;
  if (__builtin_add_overflow(base, lock.start, &first)) return fail(Errno::Overflow);
  if (first < 0) return fail(Errno::Invalid);
  if (lock.length > 0 && __builtin_add_overflow(first, lock.length - 1, &last)) return fail(Errno::Overflow);
  if (lock.length < 0) {
    // A negative length is what lies before.
    if (first + lock.length < 0) return fail(Errno::Invalid);
    last = first - 1;
    first += lock.length;
  }
  if (call.description && lock.pid != 0) return fail(Errno::Invalid);
  return RangeLock{.first = static_cast<std::uint64_t>(first),
                   .last = static_cast<std::uint64_t>(last),
                   .write = lock.type == FileLock::kWrite,
                   .pid = call.description ? -1 : call.pid};
}

LockOwner& owner_of(const LockCall& call) { return call.description ? call.file.lock_owner() : call.owner; }

}  // namespace

Answer<FileLock> get_lock(const LockCall& call, const FileLock& lock) {
  if (!call.file.inode()) return fail(Errno::Invalid);
  if (lock.type != FileLock::kRead && lock.type != FileLock::kWrite) return fail(Errno::Invalid);
  FB_ASSIGN(const RangeLock range, range_of(call, lock));
  FB_ASSIGN(const Locks* const locks, Locks::of(*call.file.inode()));
  FileLock told = lock;
  const auto other = locks->in_the_way(owner_of(call), range);
  if (!other) {
    told.type = FileLock::kUnlock;
    return told;
  }
  told.type = other->write ? FileLock::kWrite : FileLock::kRead;
  told.whence = static_cast<std::int16_t>(Whence::Set);
  told.start = static_cast<std::int64_t>(other->first);
  told.length = other->last == kLargestFile ? 0 : static_cast<std::int64_t>(other->last - other->first + 1);
  told.pid = other->pid;
  return told;
}

Answer<> set_lock(const LockCall& call, const FileLock& lock, Waiter* waiter) {
  if (!call.file.inode()) return fail(Errno::Invalid);
  FB_ASSIGN(const RangeLock range, range_of(call, lock));
  switch (lock.type) {
    case FileLock::kRead:
      if (!call.file.readable()) return fail(Errno::BadDescriptor);
      break;
    case FileLock::kWrite:
      if (!call.file.writable()) return fail(Errno::BadDescriptor);
      break;
    case FileLock::kUnlock:
      break;
    default:
      return fail(Errno::Invalid);
  }
  FB_ASSIGN(Locks* const locks, Locks::of(*call.file.inode()));
  if (lock.type == FileLock::kUnlock) return locks->unlock(owner_of(call), range);
  return locks->lock(owner_of(call), range, waiter, !call.description);
}

Answer<> lock_whole(File& file, std::uint32_t operation, Waiter& waiter) {
  constexpr std::uint32_t kShared = 1, kExclusive = 2, kNoWait = 4, kUnlock = 8;
  const std::uint32_t kind = operation & ~kNoWait;
  if (kind != kShared && kind != kExclusive && kind != kUnlock) return fail(Errno::Invalid);
  if (file.path_only() || !file.inode()) return fail(Errno::BadDescriptor);
  FB_ASSIGN(Locks* const locks, Locks::of(*file.inode()));
  if (kind == kUnlock) {
    locks->unlock_whole(file.lock_owner());
    return {};
  }
  return locks->lock_whole(file.lock_owner(), kind == kExclusive,
                           (operation & kNoWait) != 0 ? nullptr : &waiter);
}

}  // namespace fb::libos::posix::vfs

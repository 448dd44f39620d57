// Advisory locks of one file: flock, and fcntl's of byte ranges (POSIX fcntl; Linux F_OFD_SETLK).
#pragma once

#include "libos/posix/base/vector.hpp"
#include "libos/posix/vfs/inode.hpp"
#include "libos/posix/vfs/lock_owner.hpp"
#include "libos/posix/vfs/wait.hpp"

namespace fb::libos::posix::vfs {

/// A lock of the bytes from `first` to `last`, both in it.
struct RangeLock {
  std::uint64_t first, last;
  bool write;
  std::int32_t pid;  ///< what F_GETLK tells; -1 for locks of an open file description

  [[nodiscard]] bool overlaps(const RangeLock& other) const {
    return first <= other.last && other.first <= last;
  }
};

/// Attached to an inode once there was one. Waits end when their lock is there, by a signal, or as a deadlock.
class Locks final : public Attachment {
 public:
  static constexpr std::size_t kMost = 8192;  ///< on one file

  /// Those of `inode`. Errors: NoLocks.
  static Answer<Locks*> of(Inode& inode);
  /// `owner` has no more locks on `inode`, of any kind.
  static void forget(Inode& inode, const LockOwner& owner);

  /// What keeps `owner` from `lock`, if anything does: F_GETLK.
  [[nodiscard]] std::optional<RangeLock> in_the_way(const LockOwner& owner, const RangeLock& lock) const;
  /// In place of what it has of these bytes. With a waiter it waits. Errors: TryAgain, Deadlock if `detect`, NoLocks, those of waits.
  Answer<> lock(LockOwner& owner, const RangeLock& lock, Waiter* waiter, bool detect);
  /// Errors: NoLocks when a lock would become two too many.
  Answer<> unlock(const LockOwner& owner, const RangeLock& lock);

  /// flock: a lock of another kind goes first, even when the new one cannot be had. Errors: TryAgain, NoLocks, those of waits.
  Answer<> lock_whole(LockOwner& owner, bool write, Waiter* waiter);
  void unlock_whole(const LockOwner& owner);

 private:
  struct Held {
    RangeLock range;
    LockOwner* owner;
  };
  struct Waiting : LockWait {
    core::list::ListLink in_locks{};
  };
  struct Whole {
    LockOwner* owner;
    bool write;
  };
  [[nodiscard]] const Held* blocker(const LockOwner& owner, const RangeLock& lock) const;
  [[nodiscard]] static bool deadlock(const LockOwner& owner, LockOwner* blocker);
  Answer<> replace(const LockOwner& owner, const RangeLock& lock, LockOwner* taker);
  Answer<> wait(LockOwner& owner, LockOwner& blocker, Waiter& waiter);
  void drop(const LockOwner& owner);
  void wake();

  Vector<Held> ranges_;
  Vector<Whole> wholes_;
  core::list::List<Waiting, &Waiting::in_locks> waits_;
  WaitQueue released_;
};

}  // namespace fb::libos::posix::vfs

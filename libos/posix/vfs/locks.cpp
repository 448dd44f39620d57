#include "libos/posix/vfs/locks.hpp"

#include <algorithm>

namespace fb::libos::posix::vfs {
namespace {

/// Alike locks that touch are one.
bool touches(const RangeLock& a, const RangeLock& b) {
  return a.overlaps(b) || (a.last != kLargestFile && a.last + 1 == b.first) ||
         (b.last != kLargestFile && b.last + 1 == a.first);
}

}  // namespace

Answer<Locks*> Locks::of(Inode& inode) {
  if (!inode.locks()) {
    const auto made = make_shared<Locks>();
    if (!made) return fail(Errno::NoLocks);
    inode.locks() = *made;
  }
  return static_cast<Locks*>(inode.locks().get());
}

void Locks::forget(Inode& inode, const LockOwner& owner) {
  if (!inode.locks()) return;
  // Who wakes may let go of the inode.
  const Ref<Attachment> kept = inode.locks();
  static_cast<Locks&>(*kept).drop(owner);
}

void Locks::drop(const LockOwner& owner) {
  const std::size_t before = ranges_.size() + wholes_.size();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (ranges_[i].owner != &owner) std::swap(ranges_[kept++], ranges_[i]);
  }
  while (ranges_.size() > kept) ranges_.pop_back();
  for (std::size_t i = 0; i < wholes_.size();) {
    wholes_[i].owner == &owner ? wholes_.erase(i) : static_cast<void>(++i);
  }
  if (ranges_.size() + wholes_.size() != before) wake();
}

const Locks::Held* Locks::blocker(const LockOwner& owner, const RangeLock& lock) const {
  for (const Held& held : ranges_) {
    if (held.owner == &owner || !held.range.overlaps(lock)) continue;
    if (held.range.write || lock.write) return &held;
  }
  return nullptr;
}

std::optional<RangeLock> Locks::in_the_way(const LockOwner& owner, const RangeLock& lock) const {
  const Held* const held = blocker(owner, lock);
  if (held == nullptr) return std::nullopt;
  return held->range;
}

/// Whether `blocker` waits, over others perhaps, for `owner`. As Linux does, it follows one wait of each and a bounded chain.
bool Locks::deadlock(const LockOwner& owner, LockOwner* blocker) {
  constexpr int kLongest = 64;
  for (int i = 0; i < kLongest; ++i) {
    if (blocker == &owner) return true;
    LockWait* const wait = blocker->waits_.front();
    if (wait == nullptr || wait->blocker == nullptr) return false;
    blocker = wait->blocker;
  }
  return false;
}

/// Who is in the way may be gone before those that wait for it run again and see it.
void Locks::wake() {
  for (Waiting& wait : waits_) wait.blocker = nullptr;
  released_.wake_all();
}

Answer<> Locks::wait(LockOwner& owner, LockOwner& blocker, Waiter& waiter) {
  Waiting wait{{.blocker = &blocker}};
  owner.waits_.push_back(wait);
  waits_.push_back(wait);
  const auto answer = waiter.wait(released_);
  waits_.remove(wait);
  owner.waits_.remove(wait);
  return answer;
}

Answer<> Locks::lock(LockOwner& owner, const RangeLock& lock, Waiter* waiter, bool detect) {
  const Ref<Locks> kept(*this);
  while (const Held* const held = blocker(owner, lock)) {
    if (waiter == nullptr) return fail(Errno::TryAgain);
    if (detect && deadlock(owner, held->owner)) return fail(Errno::Deadlock);
    FB_TRY(wait(owner, *held->owner, *waiter));
  }
  return replace(owner, lock, &owner);
}

Answer<> Locks::unlock(const LockOwner& owner, const RangeLock& lock) {
  return replace(owner, lock, nullptr);
}

/// What `owner` has of these bytes goes; `taker` has them then, if it is one. All or nothing.
Answer<> Locks::replace(const LockOwner& owner, const RangeLock& lock, LockOwner* taker) {
  Vector<Held> next;
  if (!next.reserve(ranges_.size() + 2)) return fail(Errno::NoLocks);
  RangeLock whole = lock;
  const auto add = [&](Held held) { return next.push_back(held).has_value(); };
  bool fits = true;
  for (const Held& held : ranges_) {
    const bool alike = taker != nullptr && held.range.write == lock.write;
    if (held.owner != &owner || !(alike ? touches(held.range, lock) : held.range.overlaps(lock))) {
      fits = fits && add(held);
    } else if (alike) {
      whole.first = std::min(whole.first, held.range.first);
      whole.last = std::max(whole.last, held.range.last);
    } else {
      Held below = held, above = held;
      below.range.last = lock.first - 1;
      above.range.first = lock.last + 1;
      if (held.range.first < lock.first) fits = fits && add(below);
      if (held.range.last > lock.last) fits = fits && add(above);
    }
  }
  if (taker != nullptr) fits = fits && add({.range = whole, .owner = taker});
  if (!fits || (next.size() > kMost && next.size() > ranges_.size())) return fail(Errno::NoLocks);
  ranges_ = std::move(next);
  wake();
  return {};
}

Answer<> Locks::lock_whole(LockOwner& owner, bool write, Waiter* waiter) {
  const Ref<Locks> kept(*this);
  for (const Whole& held : wholes_) {
    if (held.owner == &owner && held.write == write) return {};
  }
  unlock_whole(owner);
  for (;;) {
    const auto* const held =
        std::ranges::find_if(wholes_, [&](const Whole& other) { return other.write || write; });
    if (held == wholes_.end()) break;
    if (waiter == nullptr) return fail(Errno::TryAgain);
    FB_TRY(waiter->wait(released_));
    // Another thread may have locked by the same description.
    unlock_whole(owner);
  }
  if (wholes_.size() >= kMost || !wholes_.push_back({.owner = &owner, .write = write}))
    return fail(Errno::NoLocks);
  return {};
}

void Locks::unlock_whole(const LockOwner& owner) {
  for (std::size_t i = 0; i < wholes_.size(); ++i) {
    if (wholes_[i].owner != &owner) continue;
    wholes_.erase(i);
    wake();
    return;
  }
}

}  // namespace fb::libos::posix::vfs

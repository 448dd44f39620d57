// Futexes: words in programs' memory that threads sleep on (futex(2); C4.04).
#pragma once

#include <array>

#include "libos/posix/vfs/wait.hpp"

namespace fb::libos::posix::sync {

/// Which word. Of memory that is shared: its frame and the offset in it; else: the address space and the address.
struct FutexKey {
  std::uint64_t memory, address;
  bool operator==(const FutexKey&) const = default;
};

inline constexpr std::uint32_t kAnyBits = ~std::uint32_t{0};

class Futexes;

/// One thread's place among the sleepers of a word, on its stack. It joins first and looks at the word then: who changes
/// the word and wakes finds it. Leaves when it dies.
class FutexWait {
 public:
  /// `bits`: which wakes mean it. `tag`: what the owner of the word learns of it.
  FutexWait(Futexes& futexes, FutexKey key, std::uint32_t bits, vfs::Waiter& waiter, std::int32_t tag = 0);
  ~FutexWait();
  FutexWait(const FutexWait&) = delete;
  FutexWait& operator=(const FutexWait&) = delete;

  /// Until it is woken. Errors: TimedOut, Restart.
  Answer<> sleep(core::Nanoseconds deadline);
  [[nodiscard]] std::int32_t tag() const { return tag_; }

 private:
  friend class Futexes;
  core::list::ListLink link_;
  Futexes& futexes_;
  FutexKey key_;
  std::uint32_t bits_;
  vfs::Waiter& waiter_;
  std::int32_t tag_;
  bool woken_ = false;
};

/// All sleepers of an instance; those of a word in the order they came. Not for concurrent use: the LibOS lock is held.
class Futexes {
 public:
  /// At most `most` of those whose bits meet `bits`; how many.
  std::size_t wake(FutexKey key, std::size_t most, std::uint32_t bits = kAnyBits);
  struct Requeued {
    std::size_t woken, moved;
  };
  /// Wakes `wake` sleepers of `from` and lets `move` more sleep on `to`.
  Requeued requeue(FutexKey from, FutexKey to, std::size_t wake, std::size_t move);
  /// The one that has slept longest, or null; the next one behind it tells whether there are more.
  [[nodiscard]] FutexWait* first(FutexKey key);
  [[nodiscard]] std::size_t count(FutexKey key);

 private:
  friend class FutexWait;
  using Sleepers = core::list::List<FutexWait, &FutexWait::link_>;
  static constexpr std::size_t kBuckets = 64;
  Sleepers& bucket(FutexKey key) {
    const auto mixed = (key.memory ^ key.address >> 2) * 0x9e37'79b9'7f4a'7c15;
    return buckets_[mixed >> 58];
  }

  std::array<Sleepers, kBuckets> buckets_;
};

}  // namespace fb::libos::posix::sync

// System V semaphores: sets of counters that are changed together (uapi linux/sem.h; POSIX semop).
#pragma once

#include "libos/posix/sysv/object.hpp"
#include "libos/posix/vfs/wait.hpp"

namespace fb::libos::posix::sysv {

namespace semaphore {
inline constexpr std::size_t kSets = 1024, kInSet = 32'000, kInAll = 262'144;  ///< SEMMNI, SEMMSL, SEMMNS
inline constexpr std::size_t kOperations = 500;                                ///< SEMOPM
inline constexpr std::size_t kUndos = 16'384;                                  ///< of one set
inline constexpr std::int32_t kLargest = 32'767;                               ///< SEMVMX
inline constexpr std::uint32_t kUndo = 010000;
}  // namespace semaphore

/// struct sembuf.
struct Operation {
  std::uint16_t number;
  std::int16_t change;
  std::int16_t flags;
};
static_assert(sizeof(Operation) == 6);

/// struct semid64_ds.
struct SetStat {
  Permissions permissions;
  std::int64_t operated, reserved0, changed, reserved1;
  std::uint64_t count, reserved[2];
};
static_assert(sizeof(SetStat) == 104);

struct Semaphore {
  std::int32_t value = 0, pid = 0;
  std::uint32_t wait_more = 0, wait_zero = 0;  ///< GETNCNT, GETZCNT
};

class SemaphoreSet final : public Object, public Shared {
 public:
  struct Undo {
    std::int32_t pid;
    std::uint16_t number;
    std::int32_t change;
  };
  Vector<Semaphore> all;
  Vector<Undo> undos;
  std::int64_t operated = 0, changed = 0;
  bool removed = false;
  vfs::WaitQueue moved;
};

class Semaphores {
 public:
  /// Errors: Invalid, Exists, NoEntry, Access, NoSpace, NoMemory.
  Answer<Id> get(const Caller& caller, std::int32_t key, std::int32_t count, std::uint32_t flags);
  /// All of them at once, when they can be; until `deadline`. Errors: Invalid, ArgumentsTooLong, FileTooLarge, Access, Range,
  /// NoSpace, TryAgain, IdentifierRemoved, RestartNoHandler.
  Answer<> operate(const Caller& caller, Id id, std::span<const Operation> operations, vfs::Waiter& waiter,
                   core::Nanoseconds deadline);
  /// For GETVAL and its kin. Errors: Invalid, Access.
  Answer<Semaphore> look(const Caller& caller, Id id, std::int32_t number) const;
  /// How many are in it, to be read or, with kWrite, to be set. Errors: Invalid, Access.
  Answer<std::size_t> count(const Caller& caller, Id id, std::uint32_t want) const;
  /// SETVAL, SETALL. What processes would undo is forgotten. Errors: Invalid, Access, Range.
  Answer<> set_value(const Caller& caller, Id id, std::int32_t number, std::int32_t value);
  Answer<> set_values(const Caller& caller, Id id, std::span<const std::uint16_t> values);
  Answer<SetStat> stat(const Caller& caller, Id id) const;
  Answer<> set(const Caller& caller, Id id, const Permissions& to);
  Answer<> remove(const Caller& caller, Id id);
  /// A process has ended: what it did with SEM_UNDO is undone.
  void exited(std::int32_t pid);
  [[nodiscard]] const Table<SemaphoreSet>& table() const { return table_; }
  [[nodiscard]] std::size_t semaphores() const { return semaphores_; }

 private:
  Table<SemaphoreSet> table_{semaphore::kSets};
  std::size_t semaphores_ = 0;
};

}  // namespace fb::libos::posix::sysv

// The descriptor table of a process.
#pragma once

#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::vfs {

/// A file descriptor's number.
using Descriptor = std::int32_t;

/// What is closed comes back to the caller, who lets go of it when its state is whole: the last Ref runs the file's end.
class Descriptors {
 public:
  static constexpr std::uint32_t kLimit = 1024;         ///< RLIMIT_NOFILE to begin with
  static constexpr std::uint32_t kLimitMost = 1 << 20;  ///< fs.nr_open

  /// Errors: BadDescriptor.
  [[nodiscard]] Answer<Ref<File>> get(Descriptor number) const;
  /// The lowest free number that is at least `from`. Errors: TooManyFiles, NoMemory; Invalid when `from` is none.
  Answer<Descriptor> add(const Ref<File>& file, bool close_on_exec, Descriptor from = 0);
  /// Errors: BadDescriptor.
  Answer<Ref<File>> close(Descriptor number);
  /// dup, and fcntl F_DUPFD. Errors: BadDescriptor, and of add().
  Answer<Descriptor> duplicate(Descriptor number, bool close_on_exec = false, Descriptor from = 0);
  /// dup2: `to` names what `number` does; returns what it named before. Nothing happens when both are one. Errors:
  /// BadDescriptor.
  Answer<Ref<File>> duplicate_to(Descriptor number, Descriptor to, bool close_on_exec = false);
  /// dup3: the same, but Invalid when both are one.
  Answer<Ref<File>> duplicate_to_other(Descriptor number, Descriptor to, bool close_on_exec);

  Descriptors() = default;
  /// Of what has no locks yet: what copy() made.
  Descriptors(Descriptors&& other) noexcept
      : slots_(std::move(other.slots_)), lowest_(std::exchange(other.lowest_, 0)), limit_(other.limit_) {}
  Descriptors& operator=(Descriptors&& other) noexcept {
    close_all();
    std::swap(slots_, other.slots_);
    std::swap(lowest_, other.lowest_);
    limit_ = other.limit_;
    return *this;
  }
  ~Descriptors() { close_all(); }
  /// Who holds the process's record locks: closing any descriptor of a file ends those on it (POSIX close).
  [[nodiscard]] LockOwner& lock_owner() { return lock_owner_; }

  [[nodiscard]] Answer<bool> close_on_exec(Descriptor number) const;
  Answer<> set_close_on_exec(Descriptor number, bool value);

  /// For fork: the same files, the same numbers. Errors: NoMemory.
  [[nodiscard]] Answer<Descriptors> copy() const;
  /// For exec. One after the other: what next() finds is to be closed.
  [[nodiscard]] std::optional<Descriptor> next_to_close_on_exec() const;
  /// The first that is open and at least `from`: for close_range and /proc.
  [[nodiscard]] std::optional<Descriptor> next_open(Descriptor from) const;
  void close_all();

  /// All that are open are below it; it never falls.
  [[nodiscard]] std::size_t reached() const { return slots_.size(); }
  [[nodiscard]] std::uint32_t limit() const { return limit_; }
  /// Those above it stay. At most kLimitMost.
  void set_limit(std::uint32_t limit) { limit_ = limit < kLimitMost ? limit : kLimitMost; }

 private:
  struct Slot {
    Ref<File> file;
    bool close_on_exec = false;
  };
  [[nodiscard]] const Slot* slot(Descriptor number) const;
  Answer<> reach(std::size_t count);

  void end_locks(const Ref<File>& file);

  Vector<Slot> slots_;
  LockOwner lock_owner_;
  std::size_t lowest_ = 0;  ///< none below it is free
  std::uint32_t limit_ = kLimit;
};

}  // namespace fb::libos::posix::vfs

// Open file descriptions: what descriptors name.
#pragma once

#include "libos/posix/vfs/inode.hpp"
#include "libos/posix/vfs/lock_owner.hpp"
#include "libos/posix/vfs/origin.hpp"
#include "libos/posix/vfs/wait.hpp"

namespace fb::libos::posix::vfs {

struct PollState {
  std::uint32_t events;  ///< that hold now (namespace poll)
  std::array<WaitQueue*, 2>
      queues{};        ///< that wake all when it changes, the same ones for life; null: it does not
  bool split = false;  ///< the first queue wakes for input only and the second for output; either for errors
};

class Pipe;
class File;

/// Who makes an ioctl, as far as one needs it: the memory behind its argument, which is put to and taken from apart, its
/// patience and its descriptors.
class IoctlCaller : public Output, public Input {
 public:
  [[nodiscard]] virtual Waiter& waiter() = 0;
  /// A new descriptor of the caller. Errors: TooManyFiles, NoMemory.
  virtual Answer<std::int32_t> add(const Ref<File>& file, bool close_on_exec) = 0;

  template <class T>
  Answer<> give(const T& value) {
    return put(std::as_bytes(std::span(&value, 1)));
  }
  template <class T>
  Answer<T> fetch() {
    T value{};
    FB_TRY(take(std::as_writable_bytes(std::span(&value, 1))));
    return value;
  }

 protected:
  ~IoctlCaller() = default;
};

/// Opened once, shared by all descriptors that were made from it. The defaults refuse what Linux refuses for files that
/// have no such operation.
class File : public Shared {
 public:
  /// `flags` as open got them; creation flags are forgotten. `inode` may be none (pipes).
  File(Ref<Inode> inode, std::uint32_t flags);
  virtual ~File() { end_locks(); }

  /// Errors: BadDescriptor by the access mode; IsDirectory, Invalid, Fault, TryAgain, Restart, NoSpace, BrokenPipe...
  Answer<std::size_t> read(Output& out, std::size_t count, Waiter& waiter);
  Answer<std::size_t> write(Input& in, std::size_t count, Waiter& waiter);
  /// And IllegalSeek, Invalid for negative offsets.
  Answer<std::size_t> read_at(std::int64_t offset, Output& out, std::size_t count);
  Answer<std::size_t> write_at(std::int64_t offset, Input& in, std::size_t count);
  /// Errors: Invalid, IllegalSeek, NoDeviceOrAddress, BadDescriptor.
  virtual Answer<std::uint64_t> seek(std::int64_t offset, Whence whence);
  /// Errors: Invalid, BadDescriptor.
  Answer<> truncate(std::int64_t size);
  /// Whole directory records. Errors: NotDirectory, Invalid when not one fits, BadDescriptor.
  virtual Answer<std::size_t> entries(Output& out, std::size_t count);
  [[nodiscard]] virtual PollState poll() { return {.events = kAlwaysReady}; }
  /// epoll takes it: what Linux gives a poll operation. Regular files and directories have none.
  [[nodiscard]] virtual bool pollable() const;
  /// `argument` is the program's; what is behind it is reached through `caller`. Errors: NotTerminal, Fault.
  virtual Answer<std::uint64_t> ioctl(std::uint32_t request, std::uint64_t argument, IoctlCaller& caller);
  [[nodiscard]] virtual Stat stat() const;
  /// What /proc calls a file without an inode ("[eventpoll]"), one array for each class: file_as() asks for it. Null for
  /// others.
  [[nodiscard]] virtual const char* anonymous_name() const { return nullptr; }

  /// The process that it stands for, -1 when that is gone; most stand for none.
  [[nodiscard]] virtual std::optional<std::int32_t> named_process() const { return std::nullopt; }

  /// The pipe that this is an end of, or null.
  [[nodiscard]] virtual Pipe* pipe_behind() { return nullptr; }

  [[nodiscard]] const Ref<Inode>& inode() const { return inode_; }
  /// None for directories, and for what was not opened by a name.
  [[nodiscard]] const Ref<Origin>& origin() const { return origin_; }
  void set_origin(Ref<Origin> origin) { origin_ = std::move(origin); }
  [[nodiscard]] LockOwner& lock_owner() { return lock_owner_; }
  /// Kept for fcntl: F_SETOWN, F_SETSIG.
  std::int32_t owner = 0, signal = 0;
  [[nodiscard]] std::uint32_t flags() const { return flags_; }
  /// F_SETFL: others than flag::kSettable stay as they are.
  void set_flags(std::uint32_t flags);
  [[nodiscard]] bool path_only() const { return (flags_ & flag::kPath) != 0; }
  [[nodiscard]] bool readable() const { return !path_only() && (flags_ & flag::kAccess) % 2 == 0; }
  [[nodiscard]] bool writable() const;
  [[nodiscard]] bool blocks() const { return (flags_ & flag::kNonBlock) == 0; }

  /// Who wants to know when the last descriptor is gone.
  [[nodiscard]] FileWatchers& watchers() { return watchers_; }
  /// It was opened, by its origin if it has one: told to who watches, and those are told of the end, too.
  void note_open();
  /// To who watches the inode, or the directory where it was opened. Everything that is read and written is told, and hardly
  /// ever to anyone.
  void note(std::uint32_t what) {
    if (!inode_) return;
    if (inode_->watchers().empty() && (!origin_ || origin_->directory()->watchers().empty())) return;
    tell(what);
  }
  void before_end();

 protected:
  static constexpr std::uint32_t kAlwaysReady =
      poll::kIn | poll::kOut | poll::kReadNormal | poll::kWriteNormal;
  virtual Answer<std::size_t> on_read(Output&, std::size_t, Waiter&) { return fail(Errno::Invalid); }
  virtual Answer<std::size_t> on_write(Input&, std::size_t, Waiter&) { return fail(Errno::Invalid); }
  virtual Answer<std::size_t> on_read_at(std::uint64_t, Output&, std::size_t) {
    return fail(Errno::IllegalSeek);
  }
  virtual Answer<std::size_t> on_write_at(std::uint64_t, Input&, std::size_t) {
    return fail(Errno::IllegalSeek);
  }

 private:
  void end_locks();
  void tell(std::uint32_t what);

  Ref<Inode> inode_;
  Ref<Origin> origin_;
  std::uint32_t flags_;
  LockOwner lock_owner_;
  bool noted_ = false;  ///< its opening was
  FileWatchers watchers_;
};

/// As a T, which has an array kAnonymousName; null when it is another file.
template <class T>
[[nodiscard]] T* file_as(File& file) {
  return file.anonymous_name() == T::kAnonymousName ? static_cast<T*>(&file) : nullptr;
}

[[nodiscard]] Stat stat_of(const Attributes& from);

/// Of regular files.
class RegularFile final : public File {
 public:
  using File::File;
  Answer<std::uint64_t> seek(std::int64_t offset, Whence whence) override;

 private:
  Answer<std::size_t> on_read(Output& out, std::size_t count, Waiter& waiter) override;
  Answer<std::size_t> on_write(Input& in, std::size_t count, Waiter& waiter) override;
  Answer<std::size_t> on_read_at(std::uint64_t offset, Output& out, std::size_t count) override;
  Answer<std::size_t> on_write_at(std::uint64_t offset, Input& in, std::size_t count) override;

  std::uint64_t offset_ = 0;
};

/// Its offset is the cookie of the entry before; entries may come and go meanwhile.
class DirectoryFile final : public File {
 public:
  using File::File;
  Answer<std::uint64_t> seek(std::int64_t offset, Whence whence) override;
  Answer<std::size_t> entries(Output& out, std::size_t count) override;

 private:
  struct Record {
    std::uint64_t cookie;
    std::string_view name;
    std::uint64_t inode;
    std::uint32_t mode;
  };
  Answer<std::size_t> on_read(Output&, std::size_t, Waiter&) override { return fail(Errno::IsDirectory); }
  Answer<std::size_t> on_read_at(std::uint64_t, Output&, std::size_t) override {
    return fail(Errno::IsDirectory);
  }
  Answer<std::optional<Record>> next(std::uint64_t cookie) const;

  std::uint64_t cookie_ = 0;
};

}  // namespace fb::libos::posix::vfs

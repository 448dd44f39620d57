// What a file is, whatever file system holds it: attributes and operations.
#pragma once

#include <optional>
#include <string_view>

#include "core/types.hpp"
#include "libos/posix/base/frames.hpp"
#include "libos/posix/base/ref.hpp"
#include "libos/posix/vfs/abi.hpp"
#include "libos/posix/vfs/io.hpp"
#include "libos/posix/vfs/watch.hpp"

namespace fb::libos::posix::vfs {

/// Time since 1970 for time stamps.
class Clock {
 public:
  virtual core::Nanoseconds now() = 0;

 protected:
  ~Clock() = default;
};

struct Attributes {
  std::uint64_t device{};  ///< of the file system
  std::uint64_t inode{};
  std::uint32_t mode{}, uid{}, gid{}, links{};
  std::uint64_t size{}, pages{};  ///< pages: that are held for it
  std::uint64_t rdev{};
  core::Nanoseconds accessed{}, modified{}, changed{}, created{};
};

/// What a new file begins with; the mode with its type.
struct NewInode {
  std::uint32_t mode{}, uid{}, gid{};
  std::uint64_t rdev{};
};

/// Of a directory. `name` is good until the directory changes.
struct DirectoryEntry {
  std::uint64_t cookie;  ///< to go on behind it; 0 goes on at the first
  std::string_view name;
  std::uint64_t inode;
  std::uint32_t mode;
};

/// What is attached to an inode while somebody uses it: the pipe of a FIFO, the listener of a socket.
class Attachment : public Shared {
 public:
  virtual ~Attachment() = default;
};

class File;
struct Target;
class ExtendedAttributes;

/// Who shows the pages of a file elsewhere: its mappings.
class PageViewer {
 public:
  /// Before the file lets go of the pages [first, end). With `copies`, what was copied of them goes, too.
  virtual void leave(std::uint64_t first, std::uint64_t end, bool copies) = 0;
  /// Somebody could write the file by it.
  [[nodiscard]] virtual bool writable() = 0;
  /// Somebody runs it.
  [[nodiscard]] virtual bool executed() = 0;

 protected:
  ~PageViewer() = default;
};

/// Names handed to it are components of 1 to kNameMax bytes, neither "." nor "..". It checks what concerns its structure;
/// who may do it has been checked before (access.hpp). The defaults answer as a file that has no such operation.
class Inode : public Shared {
 public:
  explicit Inode(const Attributes& attributes) : attributes_(attributes) {}
  virtual ~Inode() = default;

  [[nodiscard]] const Attributes& attributes() const { return attributes_; }
  [[nodiscard]] Attributes& attributes() { return attributes_; }
  [[nodiscard]] bool is(std::uint32_t type) const { return (attributes_.mode & mode::kType) == type; }
  [[nodiscard]] bool is_directory() const { return is(mode::kDirectory); }

  // Directories. Errors: NotDirectory, and where named.
  /// Errors: NoEntry.
  virtual Answer<Ref<Inode>> lookup(std::string_view) { return fail(Errno::NotDirectory); }
  /// Itself at the root of a file system.
  virtual Answer<Ref<Inode>> parent() { return fail(Errno::NotDirectory); }
  /// Anything but a symbolic link. Errors: Exists, NoEntry in a removed directory, NoSpace, NoMemory.
  virtual Answer<Ref<Inode>> create(std::string_view, const NewInode&) { return fail(Errno::NotDirectory); }
  virtual Answer<Ref<Inode>> symlink(std::string_view, std::string_view /*target*/, const NewInode&) {
    return fail(Errno::NotDirectory);
  }
  /// Errors: Exists, CrossDevice, Perm for directories, NoEntry, NoSpace, NoMemory.
  virtual Answer<> link(std::string_view, Inode&) { return fail(Errno::NotDirectory); }
  /// Errors: NoEntry, IsDirectory.
  virtual Answer<> unlink(std::string_view) { return fail(Errno::NotDirectory); }
  /// Errors: NoEntry, NotDirectory, NotEmpty.
  virtual Answer<> remove_directory(std::string_view) { return fail(Errno::NotDirectory); }
  /// To `to_name` in `to`. Errors: NoEntry, CrossDevice, Exists, Invalid into itself, IsDirectory, NotDirectory, NotEmpty.
  virtual Answer<> rename(std::string_view, Inode& /*to*/, std::string_view /*to_name*/,
                          std::uint32_t /*flags*/) {
    return fail(Errno::NotDirectory);
  }
  /// The first entry behind `cookie`, "." and ".." left out; none at the end. Cookies are 3 and above.
  virtual Answer<std::optional<DirectoryEntry>> entry_after(std::uint64_t /*cookie*/) {
    return fail(Errno::NotDirectory);
  }

  // Symbolic links.
  /// Good while this lives. Errors: Invalid.
  virtual Answer<std::string_view> readlink() { return fail(Errno::Invalid); }
  /// For links that lead to a file and not to a path (/proc/self/fd): true, and `to` says where. Only their owner and root
  /// follow such a link. Errors: NoEntry when what it led to is gone.
  virtual Answer<bool> jump(Target& /*to*/) { return false; }

  /// For files that are opened in a way of their own (/proc): a new one, to which nobody refers yet; null where the kind of
  /// the inode says how. Errors: NoMemory, and those of the kind.
  virtual Answer<File*> open(std::uint32_t /*flags*/) { return nullptr; }

  // Regular files. Errors: Invalid, and where named.
  /// Up to `count` bytes; 0 at the end. Fault only when nothing was put.
  virtual Answer<std::size_t> read(std::uint64_t /*offset*/, Output&, std::size_t) {
    return fail(Errno::Invalid);
  }
  /// Errors: FileTooLarge, NoSpace, Fault; only when nothing was written.
  virtual Answer<std::size_t> write(std::uint64_t /*offset*/, Input&, std::size_t) {
    return fail(Errno::Invalid);
  }
  /// Errors: FileTooLarge.
  virtual Answer<> truncate(std::uint64_t) { return fail(Errno::Invalid); }
  /// The frame that holds this page, for mappings; a hole gets one. The caller shares it. Errors: Fault beyond the end,
  /// NoSpace, NoDevice when it cannot be mapped.
  virtual Answer<FrameId> frame_at(core::PageCount) { return fail(Errno::NoDevice); }
  /// The frame that this page has already, none for a hole.
  [[nodiscard]] virtual FrameId present(core::PageCount) { return {}; }
  /// The same for the pages from `first` on.
  virtual void present_all(core::PageCount first, std::span<FrameId> into) {
    for (FrameId& frame : into) {
      frame = present(first);
      first += core::PageCount(1);
    }
  }
  /// The first byte of data, or of a hole, at or behind `offset`, which is below the size. Errors: NoDeviceOrAddress.
  virtual Answer<std::uint64_t> find(std::uint64_t offset, bool hole) {
    return hole ? attributes_.size : offset;
  }

  /// fallocate: `mode` is of namespace allocation, [offset, offset + length) below kLargestFile. Errors: NotSupported,
  /// NoSpace, Perm by a seal.
  virtual Answer<> allocate(std::uint32_t /*mode*/, std::uint64_t /*offset*/, std::uint64_t /*length*/) {
    return fail(Errno::NotSupported);
  }
  /// F_SEAL_*; null for files that cannot be sealed.
  [[nodiscard]] virtual std::uint32_t* seals() { return nullptr; }
  /// A file that has no name, in the file system of this directory; it may get one if `linkable` (O_TMPFILE). Errors: NoSpace,
  /// NoMemory.
  virtual Answer<Ref<Inode>> create_unnamed(const NewInode&, bool /*linkable*/) {
    return fail(Errno::NotSupported);
  }

  [[nodiscard]] Ref<Attachment>& attachment() { return attachment_; }
  /// Its Locks, once there were any.
  [[nodiscard]] Ref<Attachment>& locks() { return locks_; }
  /// Errors: NotSupported, NoMemory.
  virtual Answer<ExtendedAttributes*> extended() { return fail(Errno::NotSupported); }
  /// The one there may be; it takes itself off.
  [[nodiscard]] PageViewer*& viewer() { return viewer_; }

  /// Who is told what happens to it: notify.hpp.
  [[nodiscard]] InodeWatchers& watchers() { return watchers_; }
  void before_end() { watchers_.end(attributes_.links == 0); }

 private:
  Attributes attributes_;
  Ref<Attachment> attachment_, locks_;
  PageViewer* viewer_ = nullptr;
  InodeWatchers watchers_;
};

/// Whether two are one file: where inodes are made when they are looked up, there may be several of it.
[[nodiscard]] inline bool same_file(const Inode& a, const Inode& b) {
  return &a == &b || (a.attributes().device == b.attributes().device && a.attributes().inode != 0 &&
                      a.attributes().inode == b.attributes().inode);
}

}  // namespace fb::libos::posix::vfs

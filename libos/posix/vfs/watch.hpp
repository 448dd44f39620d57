// Who looks on: at an inode, for what happens to it (inotify); at an open file, for its end (epoll).
#pragma once

#include <cstdint>
#include <string_view>

#include "core/list/list.hpp"

namespace fb::libos::posix::vfs {

/// What happens, with the values of inotify's events (uapi linux/inotify.h).
namespace notice {
inline constexpr std::uint32_t kAccess = 1, kModify = 2, kAttributes = 4, kCloseWrite = 8,
                               kCloseNoWrite = 0x10, kOpen = 0x20, kMovedFrom = 0x40, kMovedTo = 0x80,
                               kCreate = 0x100, kDelete = 0x200, kDeleteSelf = 0x400, kMoveSelf = 0x800;
inline constexpr std::uint32_t kUnlinkedChild =
    0x0400'0000;                                          ///< through a file without a name (IN_EXCL_UNLINK)
inline constexpr std::uint32_t kDirectory = 0x4000'0000;  ///< it happens to a directory
}  // namespace notice

/// On the list of one inode, which may end first.
class InodeWatcher {
 public:
  InodeWatcher() = default;
  InodeWatcher(const InodeWatcher&) = delete;
  InodeWatcher& operator=(const InodeWatcher&) = delete;
  /// To the inode itself, or to `name` in it. May leave the list and end.
  virtual void notice(std::uint32_t what, std::string_view name, std::uint32_t cookie) = 0;
  /// It is off the list; `deleted`: no name was left.
  virtual void inode_gone(bool deleted) = 0;
  /// What ties the two halves of a move together; another one each time.
  virtual std::uint32_t fresh_cookie() = 0;
  core::list::ListLink link;

 protected:
  ~InodeWatcher() = default;
};

/// Not for concurrent use.
class InodeWatchers {
 public:
  [[nodiscard]] bool empty() const { return list_.empty(); }
  void add(InodeWatcher& watcher) { list_.push_back(watcher); }
  void remove(InodeWatcher& watcher) { list_.remove(watcher); }
  [[nodiscard]] InodeWatcher* first() { return list_.front(); }
  [[nodiscard]] InodeWatcher* next(InodeWatcher& watcher) { return list_.next(watcher); }
  void tell(std::uint32_t what, std::string_view name = {}, std::uint32_t cookie = 0) {
    for (InodeWatcher& watcher : list_) watcher.notice(what, name, cookie);
  }
  void end(bool deleted) {
    while (InodeWatcher* const watcher = list_.pop_front()) watcher->inode_gone(deleted);
  }

 private:
  core::list::List<InodeWatcher, &InodeWatcher::link> list_;
};

/// On the list of one open file.
class FileWatcher {
 public:
  FileWatcher() = default;
  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;
  /// The file is still whole, for the last time; this is off its list.
  virtual void file_gone() = 0;
  core::list::ListLink link;

 protected:
  ~FileWatcher() = default;
};

/// Not for concurrent use.
class FileWatchers {
 public:
  void add(FileWatcher& watcher) { list_.push_back(watcher); }
  void remove(FileWatcher& watcher) { list_.remove(watcher); }
  [[nodiscard]] FileWatcher* first() { return list_.front(); }
  [[nodiscard]] FileWatcher* next(FileWatcher& watcher) { return list_.next(watcher); }
  void end() {
    while (FileWatcher* const watcher = list_.pop_front()) watcher->file_gone();
  }

 private:
  core::list::List<FileWatcher, &FileWatcher::link> list_;
};

}  // namespace fb::libos::posix::vfs

// What files without a name have in common: eventfd, timerfd, epoll, inotify.
#pragma once

#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::poll {

class EventFile : public vfs::File {
 public:
  explicit EventFile(std::uint32_t flags) : File({}, flags) {}
  /// There is nothing to seek, and nothing wrong with it.
  Answer<std::uint64_t> seek(std::int64_t /*offset*/, vfs::Whence /*whence*/) override { return 0; }
  /// One inode for all of them, as Linux has it.
  [[nodiscard]] vfs::Stat stat() const override {
    vfs::Attributes attributes;
    attributes.mode = 0600;
    attributes.links = 1;
    return vfs::stat_of(attributes);
  }

 protected:
  static Answer<> put_number(vfs::Output& out, std::uint64_t number) {
    return out.put(std::as_bytes(std::span(&number, 1)));
  }
};

}  // namespace fb::libos::posix::poll

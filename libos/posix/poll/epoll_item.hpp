// One watch of an epoll.
#pragma once

#include "libos/posix/poll/abi.hpp"
#include "libos/posix/poll/joined_queue.hpp"
#include "libos/posix/vfs/descriptors.hpp"

namespace fb::libos::posix::poll {

class Epoll;

/// What a watch is found by: a number alone may name another file by now, while the old one lives elsewhere.
struct EpollKey {
  vfs::File* file;
  vfs::Descriptor descriptor;
  bool operator==(const EpollKey&) const = default;
};

class EpollItem final : public vfs::FileWatcher {
 public:
  EpollItem(Epoll& the_epoll, const EpollKey& the_key, const EpollEvent& event)
      : epoll(the_epoll), key(the_key), events(event.events | event::kAlways), data(event.data) {}
  ~EpollItem() { key.file->watchers().remove(*this); }

  /// Follows its file from now on; says what holds now of what is waited for.
  std::uint32_t begin();
  [[nodiscard]] std::uint32_t look() const { return key.file->poll().events & wanted(); }
  [[nodiscard]] std::uint32_t wanted() const { return events & ~event::kBehaviour; }

  Epoll& epoll;
  const EpollKey key;
  std::uint32_t events;
  std::uint64_t data;
  EpollItem* next = nullptr;  ///< in its chain of the table
  core::list::ListLink ready, nested;

 private:
  class Joined final : public JoinedQueue {
   public:
    Joined(EpollItem& item, std::uint32_t others) : item_(item), others_(others) {}

   private:
    void woken() override { item_.woken(others_); }
    EpollItem& item_;
    std::uint32_t others_;  ///< what a queue that is for one direction does not tell of
  };
  void woken(std::uint32_t others);
  void file_gone() override;

  static constexpr std::uint32_t kOutput = vfs::poll::kOut | vfs::poll::kWriteNormal | event::kWriteBand;
  static constexpr std::uint32_t kInput = vfs::poll::kIn | vfs::poll::kReadNormal | event::kReadBand |
                                          vfs::poll::kPriority | vfs::poll::kReadHangUp;
  bool split_ = false;
  std::array<Joined, 2> joined_{Joined(*this, kOutput), Joined(*this, kInput)};
};

}  // namespace fb::libos::posix::poll

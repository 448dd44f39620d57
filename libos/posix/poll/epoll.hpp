// epoll(7): an open file that knows which of many others may be ready, without looking at all of them.
#pragma once

#include "libos/posix/poll/abi.hpp"
#include "libos/posix/poll/epoll_table.hpp"
#include "libos/posix/poll/event_file.hpp"
#include "libos/posix/poll/services.hpp"
#include "libos/posix/vfs/descriptors.hpp"

namespace fb::libos::posix::poll {

/// A watch joins the queues of its file once and stays there; when they wake, it is put on the list of those that may be
/// ready. Waiting looks only at that list. Watches keep no file open: they go with it.
class Epoll final : public EventFile {
 public:
  static constexpr char kAnonymousName[] = "[eventpoll]";
  static constexpr std::uint32_t kNestMost = 4;  ///< epolls that watch epolls, along a chain

  /// `services` outlives it.
  explicit Epoll(Services& services) : EventFile(vfs::flag::kReadWrite), services_(services) {}
  ~Epoll() override;

  /// epoll_ctl for a file that `descriptor` names. Errors: Perm for files that are always ready, Invalid, Exists, NoEntry, Loop
  /// for a ring or too long a chain, NoSpace, NoMemory.
  Answer<> control(EpollOperation operation, vfs::Descriptor descriptor, vfs::File& file,
                   const EpollEvent& event);
  /// Puts up to `most` events, and waits for the first until `deadline`. Errors: Interrupted by a signal, Fault.
  Answer<std::size_t> wait(vfs::Output& out, std::size_t most, vfs::Waiter& waiter,
                           core::Nanoseconds deadline);

  [[nodiscard]] vfs::PollState poll() override;
  [[nodiscard]] const char* anonymous_name() const override { return kAnonymousName; }
  [[nodiscard]] std::size_t watches() const { return table_.size(); }

 private:
  friend class EpollItem;

  Answer<> add(vfs::Descriptor descriptor, vfs::File& file, const EpollEvent& event);
  Answer<> modify(EpollItem& item, const EpollEvent& event);
  void remove(EpollItem& item);
  void may_be_ready(EpollItem& item);
  Answer<std::size_t> harvest(vfs::Output& out, std::size_t most);

  /// How many epolls are along the longest chain below this; above kNestMost when `target` is among them.
  std::uint32_t depth_below(const Epoll& target, std::uint64_t visit, std::uint32_t at);
  std::uint32_t depth_above(std::uint64_t visit);
  Answer<> check_nesting(Epoll& watched);

  Services& services_;
  EpollTable table_;
  EpollReadyList ready_;
  std::size_t ready_count_ = 0;
  EpollNestedList nested_;                           ///< the watches of epolls
  vfs::WaitQueue waiting_, polled_;                  ///< who waits in it, who looks at it
  std::uint64_t below_visit_ = 0, above_visit_ = 0;  ///< the last walk that came here, and what it found:
  std::uint32_t below_ = 0, above_ = 0;
};

/// epoll_create1. Errors: NoMemory, Invalid for unknown flags.
Answer<Ref<vfs::File>> make_epoll(Services& services, std::uint32_t flags);

}  // namespace fb::libos::posix::poll

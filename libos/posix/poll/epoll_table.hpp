// The watches of an epoll: by file and descriptor, those that may be ready, those of epolls.
#pragma once

#include "libos/posix/base/vector.hpp"
#include "libos/posix/poll/epoll_item.hpp"

namespace fb::libos::posix::poll {

using EpollReadyList = core::list::List<EpollItem, &EpollItem::ready>;
using EpollNestedList = core::list::List<EpollItem, &EpollItem::nested>;

/// A hash table of chains. It owns nothing.
class EpollTable {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] EpollItem* find(const EpollKey& key) const;
  /// `item` is not in it. Errors: NoMemory.
  Answer<> add(EpollItem& item);
  void remove(EpollItem& item);
  /// Null when it is empty. Taking all out of it one after the other is linear in the end.
  [[nodiscard]] EpollItem* any();

 private:
  [[nodiscard]] std::size_t chain_of(const EpollKey& key) const;
  Answer<> grow();

  Vector<EpollItem*> chains_;  ///< a power of two, or none yet
  std::size_t size_ = 0;
  std::size_t first_ = 0;  ///< the chains before it are empty, as far as any() has seen
};

}  // namespace fb::libos::posix::poll

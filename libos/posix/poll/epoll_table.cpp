#include "libos/posix/poll/epoll_table.hpp"

#include <algorithm>
#include <bit>

namespace fb::libos::posix::poll {

/// Fibonacci hashing of both halves: programs choose the numbers, not the addresses.
std::size_t EpollTable::chain_of(const EpollKey& key) const {
  constexpr std::uint64_t kGolden = 0x9e37'79b9'7f4a'7c15;
  const auto address = reinterpret_cast<std::uintptr_t>(key.file);
  const std::uint64_t mixed = (address * kGolden ^ static_cast<std::uint32_t>(key.descriptor)) * kGolden;
  return static_cast<std::size_t>(mixed >> 32) & (chains_.size() - 1);
}

EpollItem* EpollTable::find(const EpollKey& key) const {
  if (chains_.empty()) return nullptr;
  EpollItem* at = chains_[chain_of(key)];
  while (at != nullptr && at->key != key) at = at->next;
  return at;
}

/// Twice as many chains. Errors: NoMemory.
Answer<> EpollTable::grow() {
  constexpr std::size_t kLeast = 8;
  const std::size_t count = std::max(kLeast, 2 * chains_.size());
  Vector<EpollItem*> chains;
  FB_TRY(chains.reserve(count));
  while (chains.size() < count) FB_TRY(chains.push_back(nullptr));
  std::swap(chains, chains_);
  first_ = 0;
  for (EpollItem* item : chains) {
    while (item != nullptr) {
      EpollItem*& chain = chains_[chain_of(item->key)];
      EpollItem* const rest = std::exchange(item->next, chain);
      chain = std::exchange(item, rest);
    }
  }
  return {};
}

Answer<> EpollTable::add(EpollItem& item) {
  if (size_ >= chains_.size()) FB_TRY(grow());
  const std::size_t at = chain_of(item.key);
  item.next = std::exchange(chains_[at], &item);
  first_ = std::min(first_, at);
  ++size_;
  return {};
}

void EpollTable::remove(EpollItem& item) {
  EpollItem** at = &chains_[chain_of(item.key)];
  while (*at != &item) at = &(*at)->next;
  *at = item.next;
  --size_;
}

EpollItem* EpollTable::any() {
  if (size_ == 0) return nullptr;
  while (chains_[first_] == nullptr) ++first_;
  return chains_[first_];
}

}  // namespace fb::libos::posix::poll

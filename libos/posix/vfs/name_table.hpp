// The entries of a directory by name.
#pragma once

#include <string_view>

#include "libos/posix/base/vector.hpp"

namespace fb::libos::posix::vfs {

/// Of bytes that are mostly short; good to choose a bucket, and no secret.
[[nodiscard]] constexpr std::uint32_t hash_of(std::string_view name) {
  constexpr std::uint64_t kFactor = 0x9e37'79b9'7f4a'7c15;  // 2^64 by the golden ratio
  std::uint64_t hash = name.size(), word = 0;
  unsigned bits = 0;
  for (const char c : name) {
    word |= std::uint64_t{static_cast<unsigned char>(c)} << bits;
    bits += 8;
    if (bits != 64) continue;
    hash = (hash ^ word) * kFactor;
    hash ^= hash >> 32;
    word = bits = 0;
  }
  return static_cast<std::uint32_t>(((hash ^ word) * kFactor) >> 32);
}

/// What an entry has to be in a table.
template <class Entry>
struct Named {
  std::uint32_t hash = 0;
  Entry* next_in_bucket = nullptr;
};

/// Does not own its entries, which are Named and have a `name`. No two have the same. Not for concurrent use.
template <class Entry>
class NameTable {
 public:
  [[nodiscard]] Entry* find(std::string_view name) const {
    if (buckets_.empty()) return nullptr;
    const std::uint32_t hash = hash_of(name);
    Entry* at = buckets_[hash & (buckets_.size() - 1)];
    while (at != nullptr && (at->hash != hash || at->name.view() != name)) at = at->next_in_bucket;
    return at;
  }
  /// For one more. Errors: NoMemory.
  Answer<> make_room() {
    if (count_ < buckets_.size()) return {};
    Vector<Entry*> wider;
    FB_TRY(wider.resize(buckets_.empty() ? kFirst : 2 * buckets_.size()));
    std::swap(wider, buckets_);
    count_ = 0;
    for (Entry* entry : wider) {
      while (entry != nullptr) link(*std::exchange(entry, entry->next_in_bucket));
    }
    return {};
  }
  /// There is room.
  void insert(Entry& entry) {
    entry.hash = hash_of(entry.name.view());
    link(entry);
  }
  void remove(const Entry& entry) {
    Entry** at = &buckets_[entry.hash & (buckets_.size() - 1)];
    while (*at != &entry) at = &(*at)->next_in_bucket;
    *at = entry.next_in_bucket;
    --count_;
  }

 private:
  static constexpr std::size_t kFirst = 8;
  void link(Entry& entry) {
    Entry*& bucket = buckets_[entry.hash & (buckets_.size() - 1)];
    entry.next_in_bucket = std::exchange(bucket, &entry);
    ++count_;
  }

  Vector<Entry*> buckets_;  ///< a power of two of them, or none
  std::size_t count_ = 0;
};

}  // namespace fb::libos::posix::vfs

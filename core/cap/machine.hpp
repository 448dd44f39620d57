// What the capability code asks of the machine, and small types of its spaces.
#pragma once

#include <concepts>

#include "core/cap/entry.hpp"
#include "core/spin.hpp"

namespace fb::core::cap {

/// What the capability code asks of the machine it is bound to. `claimed(Entry&)`, if there is one, is told of every
/// `_ONCE` capability that a check has claimed and that somebody must settle.
template <class M>
concept Machine = Lockable<typename M::Lock> && requires(EntryIndex index, Entry* entry) {
  { M::entry_at(index) } -> std::same_as<Entry*>;
  { M::index_of(entry) } -> std::same_as<EntryIndex>;
  { M::next_epoch() } -> std::same_as<std::uint64_t>;  // never the same value twice; 2 or more
};

/// Entries come in chunks of one page; entry 0 of a chunk is its header and never a capability.
template <class Space>
struct alignas(64) ChunkHeader {
  std::atomic<std::uint64_t> tag{Tag::never_live().raw()};  ///< lies where an entry has it
  Space* owner = nullptr;
};

/// A validated capability. Holds no reference count: it is good until the CPU leaves the kernel (CAP-3,
/// tree.hpp).
struct Checked {
  Entry* entry = nullptr;
  void* object = nullptr;
};

}  // namespace fb::core::cap

// The capability space of a domain: from handle to object in one checked step (CAP-1, CAP-4, CAP-7).
#pragma once

#include <algorithm>
#include <new>
#include <utility>

#include "core/cap/machine.hpp"
#include "core/result.hpp"

namespace fb::core::cap {

template <Machine M>
class Space {
 public:
  using Header = ObjectHeader<typename M::Lock>;
  using Chunk = ChunkHeader<Space>;
  static constexpr std::uint32_t kMaxChunks = cap::kMaxChunks;

  Space() = default;
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  /// The capability `handle` names, if it is of `type`, holds `need` (within kAllRights) and neither it nor
  /// an ancestor was revoked. Errors: BadHandle, Stale, WrongType, Denied, Revoked, Consumed. Lock-free; any
  /// CPU, concurrently with everything else. A `_ONCE` capability is Claimed by it: Tree::settle must follow
  /// (CAP-5).
  [[nodiscard]] Result<Checked> lookup(Handle handle, TypeNumber type, Rights need) const {
    return check(directory_, slowly(), handle, demand(type, need));
  }
  /// The same for a capability of whatever type.
  [[nodiscard]] Result<Checked> lookup_any(Handle handle, Rights need) const {
    return check(directory_, slowly(), handle, demand(need));
  }

  /// Fits two registers, so that the result of an inlined lookup never goes through memory.
  struct Verdict {
    Entry* entry;         ///< null when refused
    std::uint64_t value;  ///< the object's address, or the Error
    Verdict(Entry* found, void* object) : entry(found), value(reinterpret_cast<std::uintptr_t>(object)) {}
    // NOLINTNEXTLINE(google-explicit-constructor): an error is a verdict
    Verdict(Error error) : entry(nullptr), value(std::to_underlying(error)) {}
  };
  /// Both for callers that keep the directory of a space at hand, and for any demand. `slowly(handle, demanded)` gives
  /// what the space's `check_slowly` says.
  template <class Slowly>
  [[nodiscard, gnu::always_inline]] static Result<Checked> check(Entry* const* directory, Slowly slowly,
                                                                 Handle handle, Demand demanded);
  /// Everything that `check` does not decide in one go: walks the ancestry, claims, names the error.
  [[nodiscard, gnu::noinline, gnu::cold, clang::preserve_most]] Verdict check_slowly(Handle handle,
                                                                                     Demand demanded) const;

  /// Gives the space a page for 63 more entries. The caller has paid for it. Errors: NoSlots; Gone when
  /// closed.
  Result<> add_chunk(Entry* chunk);
  /// `directory` is one page of kMaxChunks places; set once, before the first lookup.
  void set_directory(Entry** directory) {
    directory_ = directory;
    std::fill_n(directory, kMaxChunks, &nowhere_[0]);
  }
  [[nodiscard]] Entry** directory() const { return directory_; }
  [[nodiscard]] std::uint32_t chunk_count() const { return chunks_.load(std::memory_order_relaxed); }
  [[nodiscard]] Entry* chunk(std::uint32_t index) const { return chunk_in(directory_, index); }
  /// True when `count` more entries can be reserved without another chunk; a hint while others reserve.
  [[nodiscard]] bool has_free(std::uint32_t count) const {
    return free_count_.load(std::memory_order_relaxed) >= count;
  }
  /// Entries that are neither free nor retired; exact while nobody reserves or releases.
  [[nodiscard]] std::uint32_t used() const {
    return chunk_count() * (kEntriesPerChunk - 1) - free_count_.load(std::memory_order_relaxed) -
           retired_.load(std::memory_order_relaxed);
  }

  /// Takes a free entry out of the list. Errors: NoSlots; Gone when closed.
  Result<Entry*> reserve();
  /// Returns a Reserved or Retired entry: one that was never published, or whose capability has ended.
  [[gnu::noinline, clang::preserve_most]] void release(Entry* entry);
  /// From now on nothing is reserved or derived into this space; a grace period later nobody still tries.
  void close();
  // relaxed: exact only after a grace period, and that orders it.
  [[nodiscard]] bool closed() const { return closed_.load(std::memory_order_relaxed); }
  /// Keeps the space's memory while a revoker that holds a handle into it is outside (tree.hpp, G4). False
  /// when the space is closed, and its Teardown does the rest.
  [[nodiscard]] bool pin();
  // release: what was done to the space comes before its pages go.
  void unpin() { pins_.fetch_sub(1, std::memory_order_release); }
  [[nodiscard]] bool pinned() const { return pins_.load(std::memory_order_acquire) != 0; }
  /// Hands back the pages of a space whose Teardown is Done, one after the other; null when there are no
  /// more.
  [[nodiscard]] Entry* take_chunk();

  /// The entry of a slot number, in any state; for one beyond the last chunk an entry that was never live.
  [[nodiscard]] Entry* entry_of(std::uint32_t slot) const { return entry_in(directory_, slot); }
  /// The handle under which a reserved or live entry is known.
  [[nodiscard]] static Handle handle_of(const Entry* entry) {
    return Handle(slot_of(entry), tag_of(entry).generation());
  }
  [[nodiscard]] static Chunk* chunk_of(const Entry* entry) {
    return reinterpret_cast<Chunk*>(reinterpret_cast<std::uintptr_t>(entry) & ~std::uintptr_t{kPageMask});
  }
  [[nodiscard]] static Space* owner_of(const Entry* entry) { return chunk_of(entry)->owner; }
  [[nodiscard]] static std::uint32_t slot_of(const Entry* entry) { return entry->slot; }
  /// True while no ancestor of `entry` has been revoked; remembers the answer for the object's present epoch.
  [[nodiscard, gnu::noinline, gnu::cold, clang::preserve_most]] static bool ancestry_whole(
      Entry* entry, const Header& object);

 private:
  [[nodiscard]] auto slowly() const {
    return [this](Handle handle, Demand demanded) { return check_slowly(handle, demanded); };
  }
  [[nodiscard]] static Entry* chunk_in(Entry* const* directory, std::uint32_t index) {
    // acquire: sees the entries that add_chunk put there.
    return __atomic_load_n(&directory[index], __ATOMIC_ACQUIRE);
  }
  [[nodiscard]] static Entry* entry_in(Entry* const* directory, std::uint32_t slot) {
    const auto number = slot & (kMaxSlots - 1);
    return chunk_in(directory, number / kEntriesPerChunk) + number % kEntriesPerChunk;
  }
  /// Why `handle` cannot be used where its entry has this tag.
  [[nodiscard]] static Error refusal(Handle handle, Tag tag);
  [[nodiscard]] static Tag tag_of(const Entry* entry) {
    return Tag(entry->tag.load(std::memory_order_relaxed));
  }
  void push_free(Entry* entry) {
    entry->free_next = free_head_;
    free_head_ = M::index_of(entry);
  }
  // relaxed: counts are written under the lock; who reads them without it wants a hint.
  static void add(std::atomic<std::uint32_t>& count, std::uint32_t more) {
    count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }

  /// The chunk of slots that have none.
  static inline constinit Entry nowhere_[kEntriesPerChunk]{{.tag{Tag::never_live().raw()}}};

  Entry** directory_ = nullptr;
  std::atomic<std::uint32_t> chunks_{0}, free_count_{0}, retired_{0}, pins_{0};
  EntryIndex free_head_{};  ///< none in a closed space
  std::atomic<bool> closed_{false};
  typename M::Lock lock_;
};

// Each load below but the last is an acquire and each store into these fields a release: whoever sees one
// field of a later capability sees at its second look that the tag has moved on. On x86 both are plain moves.
template <Machine M>
template <class Slowly>
Result<Checked> Space<M>::check(Entry* const* directory, Slowly slowly, Handle handle, Demand demanded) {
  Entry* entry = entry_in(directory, handle.slot());
  if (entry->tag.load(std::memory_order_acquire) == handle.raw()) [[likely]] {
    void* object = entry->object.load(std::memory_order_acquire);
    const auto lacks = entry->lacks.load(std::memory_order_acquire);
    const auto checked = entry->checked.load(std::memory_order_acquire);
    if (checked == static_cast<const Header*>(object)->epoch.load(std::memory_order_acquire) &&
        (lacks & demanded.raw()) == 0 && entry->tag.load(std::memory_order_relaxed) == handle.raw())
        [[likely]] {
      return Checked{entry, object};
    }
  }
  const Verdict verdict = slowly(handle, demanded);
  if (verdict.entry == nullptr) return fail(static_cast<Error>(verdict.value));
  return Checked{verdict.entry, reinterpret_cast<void*>(verdict.value)};
}

template <Machine M>
auto Space<M>::check_slowly(Handle handle, Demand demanded) const -> Verdict {
  if (handle.slot() >= kMaxSlots || handle.slot() % kEntriesPerChunk == 0) return Error::BadHandle;
  // CAP-1: no capability has generation 0, but the entries of a chunk that is not there look like one.
  if (handle.generation() == 0) return Error::BadHandle;
  Entry* entry = entry_of(handle.slot());
  auto seen = entry->tag.load(std::memory_order_acquire);
  const Tag tag(seen);
  const bool live = tag.state() == EntryState::Live || tag.state() == EntryState::LiveOnce;
  if (!live || handle.generation() != tag.generation()) return refusal(handle, tag);
  void* object = entry->object.load(std::memory_order_acquire);
  const auto missing = entry->lacks.load(std::memory_order_acquire) & demanded.raw();
  const bool whole = ancestry_whole(entry, *static_cast<const Header*>(object));
  seen = entry->tag.load(std::memory_order_relaxed);
  if (seen != tag.raw()) return refusal(handle, Tag(seen));
  if (missing >> 32 != 0) return Error::WrongType;
  if (!whole) return Error::Revoked;
  if (missing != 0) return Error::Denied;
  if (tag.state() == EntryState::LiveOnce) {
    // CAP-5: of any number of racing uses one wins. acquire: the use comes after the claim.
    if (!entry->tag.compare_exchange_strong(seen, tag.with(EntryState::Claimed).raw(),
                                            std::memory_order_acquire)) {
      return refusal(handle, Tag(seen));
    }
    if constexpr (requires { M::claimed(*entry); }) M::claimed(*entry);
  }
  return Verdict(entry, object);
}

template <Machine M>
Error Space<M>::refusal(Handle handle, Tag tag) {
  // CAP-1: generations that were not given yet, in slots that may not exist yet.
  if (handle.generation() > tag.generation()) return Error::BadHandle;
  if (handle.generation() < tag.generation()) return Error::Stale;
  switch (tag.state()) {
    case EntryState::Live:
    case EntryState::LiveOnce:  // again: another CPU has claimed it and given it back
    case EntryState::Claimed:
      return Error::Consumed;
    case EntryState::Dead:
      return Error::Revoked;
    case EntryState::Retired:
      return Error::Stale;
    case EntryState::Reserved:
    case EntryState::Free:
      break;
  }
  return Error::BadHandle;
}

template <Machine M>
bool Space<M>::ancestry_whole(Entry* entry, const Header& object) {
  // Before the walk: a cut stores its dead tag first and its epoch second.
  const auto epoch = object.epoch.load(std::memory_order_acquire);
  // An ancestor outlives its descendants, so this reads the true ancestry as long as `entry` has not ended,
  // which the caller's second look at the tag tells. What it reads after that are entries still, and `depth`
  // bounds it.
  auto at = entry->parent.load(std::memory_order_acquire);
  for (auto depth = kMaxDepth; at != EntryIndex(0); --depth) {
    const Entry* ancestor = M::entry_at(at);
    if (depth == 0 || !Tag(ancestor->tag.load(std::memory_order_acquire)).upholds()) return false;
    at = ancestor->parent.load(std::memory_order_acquire);
  }
  // release: who believes this value also sees what the walk saw, in particular that `entry` has been reused.
  entry->checked.store(epoch, std::memory_order_release);
  return true;
}

template <Machine M>
Result<> Space<M>::add_chunk(Entry* chunk) {
  const Guard guard(lock_);
  const auto count = chunk_count();
  if (closed()) return fail(Error::Gone);
  if (count == kMaxChunks) return fail(Error::NoSlots);
  auto* header = ::new (static_cast<void*>(chunk)) Chunk;
  header->owner = this;
  for (auto i = kEntriesPerChunk - 1; i > 0; --i) {
    auto* entry = ::new (static_cast<void*>(chunk + i)) Entry;
    // relaxed: nobody sees it yet.
    entry->tag.store(Tag(1, EntryState::Free).raw(), std::memory_order_relaxed);
    entry->slot = static_cast<std::uint16_t>(count * kEntriesPerChunk + i);
    push_free(entry);
  }
  // release: a CPU that finds the chunk sees its entries.
  std::atomic_ref(directory_[count]).store(chunk, std::memory_order_release);
  add(free_count_, kEntriesPerChunk - 1);
  add(chunks_, 1);
  return {};
}

template <Machine M>
Result<Entry*> Space<M>::reserve() {
  const Guard guard(lock_);
  if (free_head_ == EntryIndex(0)) [[unlikely]]
    return fail(closed() ? Error::Gone : Error::NoSlots);
  Entry* entry = M::entry_at(free_head_);
  free_head_ = entry->free_next;
  add(free_count_, ~std::uint32_t{0});
  return entry;
}

template <Machine M>
void Space<M>::release(Entry* entry) {
  const Guard guard(lock_);
  const auto tag = tag_of(entry);
  if (tag.state() == EntryState::Retired) return add(retired_, 1);
  // relaxed: to a lookup it is the same as what it was.
  entry->tag.store(tag.with(EntryState::Free).raw(), std::memory_order_relaxed);
  add(free_count_, 1);
  if (!closed()) push_free(entry);
}

template <Machine M>
void Space<M>::close() {
  const Guard guard(lock_);
  // seq_cst: ordered before the caller looks which CPUs are in the kernel.
  closed_.store(true, std::memory_order_seq_cst);
  free_head_ = EntryIndex(0);
}

template <Machine M>
bool Space<M>::pin() {
  const Guard guard(lock_);  // so that none comes after `close`
  if (closed()) return false;
  pins_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

template <Machine M>
Entry* Space<M>::take_chunk() {
  const auto left = chunk_count();
  if (left == 0) return nullptr;
  Entry* page = chunk(left - 1);
  directory_[left - 1] = &nowhere_[0];  // no lock: after a teardown nobody else looks here
  add(chunks_, ~std::uint32_t{0});
  return page;
}

}  // namespace fb::core::cap

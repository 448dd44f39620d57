// A lock-free queue in shared memory between one producer and one consumer that do not trust each other.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include "core/result.hpp"
#include "core/types.hpp"

namespace fb::core::ring {

using SlotCount = Quantity<struct SlotCountTag>;
/// Free-running count of items ever pushed or popped; wraps at 2^64.
using Sequence = Quantity<struct SequenceTag>;

/// What may travel: any bit pattern must be a value of T (no bool, no closed enum), for the peer writes it.
/// Without padding, which would carry bytes of this side's memory to the other.
template <class T>
concept RingItem = std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>;

inline constexpr std::size_t kCacheLine = 64;

/// The start of a ring in memory, all zero when new; the slots follow. One cache line per side, so that each
/// writes only its own. Part of the contract between the sides: never changes.
struct alignas(kCacheLine) RingHeader {
  std::atomic<std::uint64_t> read_seq;                       ///< items popped; the consumer writes it
  alignas(kCacheLine) std::atomic<std::uint64_t> write_seq;  ///< items pushed; the producer writes it
};
inline constexpr std::size_t kSlotsOffset = 128;
static_assert(offsetof(RingHeader, read_seq) == 0 && offsetof(RingHeader, write_seq) == 64);
static_assert(sizeof(RingHeader) == kSlotsOffset && std::atomic<std::uint64_t>::is_always_lock_free);

/// Where a ring lies. Copied into each end, so that no pointer or size is ever read from shared memory
/// (A1.21). locate() makes it for one piece of memory; set it by hand where the two indices lie in different
/// mappings.
template <RingItem T>
struct SpscRing {
  using Word = std::conditional_t<sizeof(T) % 8 == 0, std::uint64_t,
                                  std::conditional_t<sizeof(T) % 4 == 0, std::uint32_t, std::uint8_t>>;
  using Words =
      std::array<Word, sizeof(T) / sizeof(Word)>;  // NOLINT(bugprone-sizeof-expression): T may be Word
  class Producer;
  class Consumer;

  std::atomic<std::uint64_t>* read_seq;
  std::atomic<std::uint64_t>* write_seq;
  std::atomic<Word>* slots;
  std::uint64_t mask;  ///< capacity - 1

  /// Errors: BadArgument (capacity is no power of two), BadAddress (memory is not aligned to a cache line),
  /// BadRange (memory is too small).
  [[nodiscard]] static Result<SpscRing> locate(std::span<std::byte> memory, SlotCount capacity) {
    if (!std::has_single_bit(capacity.raw())) return fail(Error::BadArgument);
    if (reinterpret_cast<std::uintptr_t>(memory.data()) % kCacheLine != 0) return fail(Error::BadAddress);
    if (memory.size() < kSlotsOffset || capacity.raw() > (memory.size() - kSlotsOffset) / sizeof(T)) {
      return fail(Error::BadRange);
    }
    auto* header = reinterpret_cast<RingHeader*>(memory.data());
    auto* slots = reinterpret_cast<std::atomic<Word>*>(memory.data() + kSlotsOffset);
    return SpscRing{&header->read_seq, &header->write_seq, slots, capacity.raw() - 1};
  }
  [[nodiscard]] SlotCount capacity() const { return SlotCount(mask + 1); }
  /// In range whatever the sequence is.
  [[nodiscard]] std::atomic<Word>* slot(std::uint64_t sequence) const {
    return slots + (sequence & mask) * std::tuple_size_v<Words>;
  }
};

/// The end that pushes; one thread at a time. Its own index is private: the shared one is only announced.
/// After an error nothing has changed.
template <RingItem T>
class SpscRing<T>::Producer {
 public:
  /// `start`: 0 on a new ring, else the sequence that both sides agree to resume from.
  explicit Producer(SpscRing ring, Sequence start = {})
      : ring_(ring), write_(start.raw()), read_(start.raw()) {}

  /// False when the ring is full. Errors: BadFormat (the consumer's index is impossible).
  [[nodiscard]] Result<bool> try_push(const T& item) {
    if (write_ - read_ > ring_.mask) {
      // acquire, with the consumer's release: its reads of a slot come before our writes to it.
      const std::uint64_t read = ring_.read_seq->load(std::memory_order_acquire);
      if (write_ - read > ring_.mask + 1) [[unlikely]]
        return fail(Error::BadFormat);
      read_ = read;
      if (write_ - read > ring_.mask) return false;
    }
    std::atomic<Word>* slot = ring_.slot(write_);
    // relaxed: write_seq publishes them; atomic only because a hostile consumer may look at any time.
    for (const Word word : std::bit_cast<Words>(item)) slot++->store(word, std::memory_order_relaxed);
    // release: who sees this index sees the item.
    ring_.write_seq->store(++write_, std::memory_order_release);
    return true;
  }
  [[nodiscard]] Sequence sequence() const { return Sequence(write_); }

 private:
  SpscRing ring_;
  std::uint64_t write_;
  std::uint64_t
      read_;  ///< the consumer's index when last fetched: fetched again only when the ring looks full
};

/// The end that pops; one thread at a time. What it returns was fetched once and cannot change any more, but
/// its values are the producer's word: check them. After an error nothing has changed.
template <RingItem T>
class SpscRing<T>::Consumer {
 public:
  explicit Consumer(SpscRing ring, Sequence start = {})
      : ring_(ring), read_(start.raw()), write_(start.raw()) {}

  /// Nothing when the ring is empty. Errors: BadFormat (the producer's index is impossible).
  [[nodiscard]] Result<std::optional<T>> try_pop() {
    if (read_ == write_) {
      // acquire, with the producer's release: the items up to this index are visible.
      const std::uint64_t write = ring_.write_seq->load(std::memory_order_acquire);
      if (write - read_ > ring_.mask + 1) [[unlikely]]
        return fail(Error::BadFormat);
      if (write == read_) return std::nullopt;
      write_ = write;
    }
    Words words;
    const std::atomic<Word>* slot = ring_.slot(read_);
    // relaxed: ordered by write_seq; atomic only because a hostile producer may write at any time.
    for (Word& word : words) word = slot++->load(std::memory_order_relaxed);
    // release: our reads of the slot are done before the producer may use it again.
    ring_.read_seq->store(++read_, std::memory_order_release);
    return std::bit_cast<T>(words);
  }
  [[nodiscard]] Sequence sequence() const { return Sequence(read_); }

 private:
  SpscRing ring_;
  std::uint64_t read_;
  std::uint64_t
      write_;  ///< the producer's index when last fetched: fetched again only when the ring looks empty
};

}  // namespace fb::core::ring

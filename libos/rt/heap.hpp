// A bounded heap: size classes in 64 KiB chunks, and larger runs of pages of their own.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "core/result.hpp"
#include "core/types.hpp"

namespace fb::libos::rt {

/// Where a heap gets its chunks: zeroed or not, aligned to kChunkBytes, any number of pages.
template <class S>
concept ChunkSource = requires(S& source, core::PageCount pages, void* chunk) {
  { source.take(pages) } -> std::same_as<core::Result<void*>>;
  source.give(chunk, pages);
};

inline constexpr std::size_t kChunkBytes = 64 * 1024;

/// Blocks are aligned to 16 bytes. Not for concurrent use. A wrong pointer given to release() is refused where it
/// can be seen (not from here, not a block's start, free already in a chunk that is empty); it is never followed.
template <ChunkSource Source>
class Heap {
 public:
  /// Takes at most `limit` pages from `source`, which outlives it.
  constexpr Heap(Source& source, core::PageCount limit) : source_(source), limit_(limit) {}

  /// Null when the limit or the source is exhausted, or `bytes` is 0.
  void* allocate(std::size_t bytes) {
    if (bytes == 0 || bytes > kLargest) return nullptr;
    if (bytes > kSmallMaximum) return allocate_run(bytes);
    const unsigned index = class_of(bytes);
    Chunk* chunk = partial_[index];
    if (chunk == nullptr) {
      chunk = new_chunk(kChunkPages, index);
      if (chunk == nullptr) return nullptr;
      link(chunk);
    }
    void* block = chunk->free;
    if (block != nullptr) {
      chunk->free = *static_cast<void**>(block);
    } else {
      block = base(chunk) + kHeaderBytes + std::size_t{chunk->touched++} * class_bytes(index);
    }
    if (++chunk->used == capacity(index)) unlink(chunk);
    return block;
  }

  /// Null is allowed. Errors: BadAddress.
  core::Result<> release(void* block) {
    if (block == nullptr) return {};
    Chunk* chunk = owner(block);
    if (chunk == nullptr) return core::fail(core::Error::BadAddress);
    const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(block) - base(chunk)) - kHeaderBytes;
    if (chunk->size_class == kRun) {
      if (offset != 0) return core::fail(core::Error::BadAddress);
      drop(chunk);
      return {};
    }
    const unsigned index = chunk->size_class;
    if (offset % class_bytes(index) != 0 || offset / class_bytes(index) >= chunk->touched ||
        chunk->used == 0) {
      return core::fail(core::Error::BadAddress);
    }
    *static_cast<void**>(block) = chunk->free;
    chunk->free = block;
    if (chunk->used-- == capacity(index)) link(chunk);
    // One empty chunk per class stays: a program at the edge must not map and unmap for each block.
    if (chunk->used == 0 && (partial_[index] != chunk || chunk->next != nullptr)) {
      unlink(chunk);
      drop(chunk);
    }
    return {};
  }

  [[nodiscard]] core::PageCount pages() const { return taken_; }

 private:
  struct Chunk {
    std::uint64_t check;  ///< kMagic ^ address: a chunk is never taken for one by accident
    Chunk* next;          ///< of the partial chunks of its class
    Chunk* prev;
    Chunk* next_known;  ///< of its bucket in known_
    void* free;
    std::uint32_t pages;
    std::uint32_t touched;  ///< blocks that were ever handed out
    std::uint32_t used;
    std::uint32_t size_class;
  };
  static constexpr std::size_t kHeaderBytes = 64;
  static_assert(sizeof(Chunk) <= kHeaderBytes);
  static constexpr std::uint64_t kMagic = 0x6865'6170'6368'756e;
  static constexpr unsigned kClasses =
      16;  // 16, 32, 48, 64, then four steps to each doubling up to 512, ... 4096
  static constexpr std::size_t kSmallMaximum = 4096;
  static constexpr std::size_t kLargest = std::size_t{1} << 40;
  static constexpr std::uint32_t kRun = kClasses;
  static constexpr core::PageCount kChunkPages{kChunkBytes / core::kPageSize};
  static constexpr std::array<std::uint16_t, kClasses> kClassBytes = {
      16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096};

  static constexpr std::size_t class_bytes(unsigned index) { return kClassBytes[index]; }
  /// For 1 to 16 bytes, 17 to 32 ...
  static constexpr auto kClassOf = [] {
    std::array<std::uint8_t, kSmallMaximum / 16> classes{};
    unsigned index = 0;
    for (std::size_t i = 0; i != classes.size(); ++i) {
      while (kClassBytes[index] < (i + 1) * 16) ++index;
      classes[i] = static_cast<std::uint8_t>(index);
    }
    return classes;
  }();
  static constexpr unsigned class_of(std::size_t bytes) { return kClassOf[(bytes - 1) / 16]; }
  static constexpr auto kCapacity = [] {
    std::array<std::uint32_t, kClasses> blocks{};
    for (unsigned i = 0; i != kClasses; ++i)
      blocks[i] = static_cast<std::uint32_t>((kChunkBytes - kHeaderBytes) / kClassBytes[i]);
    return blocks;
  }();
  static constexpr std::uint32_t capacity(unsigned index) { return kCapacity[index]; }
  static std::byte* base(Chunk* chunk) { return reinterpret_cast<std::byte*>(chunk); }

  void* allocate_run(std::size_t bytes) {
    Chunk* chunk = new_chunk(core::pages_for(core::ByteCount(bytes + kHeaderBytes)), kRun);
    return chunk == nullptr ? nullptr : base(chunk) + kHeaderBytes;
  }

  Chunk* new_chunk(core::PageCount pages, std::uint32_t size_class) {
    if (pages > limit_ || taken_ > limit_ - pages || pages.raw() >> 32 != 0) return nullptr;
    const auto taken = source_.take(pages);
    if (!taken) return nullptr;
    taken_ += pages;
    auto* chunk = static_cast<Chunk*>(*taken);
    Chunk*& bucket = bucket_of(reinterpret_cast<std::uintptr_t>(chunk));
    *chunk = {kMagic ^ reinterpret_cast<std::uintptr_t>(chunk), nullptr, nullptr, bucket,    nullptr,
              static_cast<std::uint32_t>(pages.raw()),          0,       0,       size_class};
    bucket = chunk;
    return chunk;
  }

  /// The chunk whose first kChunkBytes hold `block`, found among ours before anything in it is read. No block starts behind
  /// them.
  Chunk* owner(void* block) {
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    const auto start = address & ~(std::uintptr_t{kChunkBytes} - 1);
    Chunk* chunk = bucket_of(start);
    while (chunk != nullptr && reinterpret_cast<std::uintptr_t>(chunk) != start) chunk = chunk->next_known;
    if (chunk == nullptr || chunk->check != (kMagic ^ start)) return nullptr;
    return address - start < kHeaderBytes ? nullptr : chunk;
  }
  Chunk*& bucket_of(std::uintptr_t start) { return known_[start / kChunkBytes % known_.size()]; }

  // Apart, so that giving a block back saves no registers for it.
  [[gnu::noinline]] void drop(Chunk* chunk) {
    Chunk** at = &bucket_of(reinterpret_cast<std::uintptr_t>(chunk));
    while (*at != chunk) at = &(*at)->next_known;
    *at = chunk->next_known;
    const core::PageCount pages(chunk->pages);
    chunk->check = 0;
    taken_ -= pages;
    source_.give(chunk, pages);
  }
  void link(Chunk* chunk) {
    Chunk*& head = partial_[chunk->size_class];
    chunk->prev = nullptr;
    chunk->next = head;
    if (head != nullptr) head->prev = chunk;
    head = chunk;
  }
  void unlink(Chunk* chunk) {
    if (chunk->next != nullptr) chunk->next->prev = chunk->prev;
    (chunk->prev != nullptr ? chunk->prev->next : partial_[chunk->size_class]) = chunk->next;
    chunk->next = chunk->prev = nullptr;
  }

  Source& source_;
  core::PageCount limit_;
  core::PageCount taken_;
  std::array<Chunk*, kClasses> partial_{};
  std::array<Chunk*, 256> known_{};  ///< all chunks, by address
};

}  // namespace fb::libos::rt

#include "libos/rt/heap.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <vector>

namespace fb::libos::rt {
namespace {

using core::Error;
using core::PageCount;

/// The host's memory; ASan watches its edges.
struct HostChunks {
  std::set<void*> live;
  std::size_t limit{1000};
  core::Result<void*> take(PageCount pages) {
    if (live.size() == limit) return core::fail(Error::NoMemory);
    void* chunk =
        std::aligned_alloc(kChunkBytes, (pages.raw() * 4096 + kChunkBytes - 1) & ~(kChunkBytes - 1));
    std::memset(chunk, 0xa5, pages.raw() * 4096);
    live.insert(chunk);
    return chunk;
  }
  void give(void* chunk, PageCount) {
    EXPECT_EQ(live.erase(chunk), 1u);
    std::free(chunk);
  }
  ~HostChunks() {
    for (void* chunk : live) std::free(chunk);
  }
};

TEST(Heap, blocks_are_aligned_and_apart) {
  HostChunks chunks;
  Heap heap(chunks, PageCount(100));
  std::map<std::uintptr_t, std::size_t> blocks;
  for (std::size_t size : {1u, 15u, 16u, 17u, 100u, 1000u, 4096u, 4097u, 70'000u}) {
    void* block = heap.allocate(size);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0u);
    std::memset(block, 0x5a, size);
    blocks[reinterpret_cast<std::uintptr_t>(block)] = size;
  }
  for (auto at = blocks.begin(); std::next(at) != blocks.end(); ++at) {
    EXPECT_LE(at->first + at->second, std::next(at)->first);
  }
}

TEST(Heap, refuses_none_and_absurd_sizes) {
  HostChunks chunks;
  Heap heap(chunks, PageCount(100));
  EXPECT_EQ(heap.allocate(0), nullptr);
  EXPECT_EQ(heap.allocate(~std::size_t{0}), nullptr);
  EXPECT_EQ(heap.allocate(std::size_t{1} << 40), nullptr);
  EXPECT_TRUE(heap.release(nullptr));
  EXPECT_EQ(heap.pages(), PageCount(0));
}

TEST(Heap, stays_within_its_limit) {
  HostChunks chunks;
  Heap heap(chunks, PageCount(20));
  EXPECT_EQ(heap.allocate(20 * 4096), nullptr);  // the header needs room too
  ASSERT_NE(heap.allocate(10), nullptr);
  EXPECT_NE(heap.allocate(3 * 4096), nullptr);  // 16 pages of small blocks, and 4
  EXPECT_EQ(heap.allocate(5000), nullptr);
}

TEST(Heap, exhausted_source_is_a_null_and_no_more) {
  HostChunks chunks;
  chunks.limit = 1;
  Heap heap(chunks, PageCount(1000));
  void* small = heap.allocate(16);
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(heap.allocate(8000), nullptr);
  EXPECT_TRUE(heap.release(small));
}

TEST(Heap, gives_empty_chunks_back_but_one) {
  HostChunks chunks;
  Heap heap(chunks, PageCount(1000));
  std::vector<void*> blocks;
  for (int i = 0; i != 200; ++i) blocks.push_back(heap.allocate(4096));
  EXPECT_GT(chunks.live.size(), 10u);
  for (void* block : blocks) EXPECT_TRUE(heap.release(block));
  EXPECT_EQ(chunks.live.size(), 1u);
  void* large = heap.allocate(1 << 20);
  EXPECT_EQ(chunks.live.size(), 2u);
  EXPECT_TRUE(heap.release(large));
  EXPECT_EQ(chunks.live.size(), 1u);
}

TEST(Heap, wrong_pointers_are_refused) {
  HostChunks chunks;
  Heap heap(chunks, PageCount(1000));
  char other[64];
  auto* small = static_cast<char*>(heap.allocate(64));
  auto* large = static_cast<char*>(heap.allocate(9000));
  EXPECT_EQ(heap.release(other).error(), Error::BadAddress);
  EXPECT_EQ(heap.release(small + 1).error(), Error::BadAddress);
  EXPECT_EQ(heap.release(small + 64).error(), Error::BadAddress);  // never handed out
  EXPECT_EQ(heap.release(large + 16).error(), Error::BadAddress);
  EXPECT_TRUE(heap.release(large));
  EXPECT_EQ(heap.release(large).error(), Error::BadAddress);
  EXPECT_TRUE(heap.release(small));
  EXPECT_EQ(heap.release(small).error(), Error::BadAddress);
}

RC_GTEST_PROP(Heap, never_overlaps_and_keeps_contents, ()) {
  HostChunks chunks;
  Heap heap(chunks, PageCount(400));
  struct Block {
    unsigned char* at;
    std::size_t size;
    unsigned char fill;
  };
  std::vector<Block> blocks;
  for (int step = *rc::gen::inRange(1, 300); step != 0; --step) {
    if (!blocks.empty() && *rc::gen::inRange(0, 3) == 0) {
      const auto at = *rc::gen::inRange<std::size_t>(0, blocks.size());
      const Block block = blocks[at];
      // Anyone else's write in between would show.
      RC_ASSERT(
          std::all_of(block.at, block.at + block.size, [&](unsigned char c) { return c == block.fill; }));
      RC_ASSERT(heap.release(block.at).has_value());
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(at));
      continue;
    }
    const auto size = std::size_t{1} << *rc::gen::inRange(0, 16);
    const auto odd = size + *rc::gen::inRange<std::size_t>(0, size);
    auto* at = static_cast<unsigned char*>(heap.allocate(odd));
    if (at == nullptr) continue;
    const auto fill = static_cast<unsigned char>(step);
    std::memset(at, fill, odd);
    blocks.push_back({at, odd, fill});
  }
  for (const Block& block : blocks) {
    RC_ASSERT(std::all_of(block.at, block.at + block.size, [&](unsigned char c) { return c == block.fill; }));
    RC_ASSERT(heap.release(block.at).has_value());
  }
  RC_ASSERT(heap.pages().raw() <= 16u * 16u);  // at most one empty chunk per class
}

}  // namespace
}  // namespace fb::libos::rt

// operator new and delete over the domain's own pages. One context of the domain only, like the address space.
#include <array>
#include <new>

#include "libos/rt/heap.hpp"
#include "libos/rt/memory.hpp"

namespace fb::libos::rt {
namespace {

constexpr core::PageCount kChunkAlignment{kChunkBytes / core::kPageSize};
constexpr core::PageCount kHeapLimit{std::uint64_t{1} << 18};  // 1 GiB; the budget is the real limit

/// Chunks are regions; who owns them is kept beside the heap, not in it.
class Chunks {
 public:
  core::Result<void*> take(core::PageCount pages) {
    for (Region& slot : regions_) {
      if (!slot.mapping.none()) continue;
      FB_ASSIGN(slot, allocate(pages, {}, kChunkAlignment));
      return slot.mapping.as<void>();
    }
    return core::fail(core::Error::Limit);
  }
  void give(void* chunk, core::PageCount) {
    for (Region& slot : regions_) {
      if (slot.mapping.none() || slot.mapping.as<void>() != chunk) continue;
      slot.mapping.reset();
      slot.pages.reset();
      return;
    }
  }

 private:
  std::array<Region, 512> regions_;
};

constinit Chunks chunks;
constinit Heap<Chunks> heap{chunks, kHeapLimit};

}  // namespace
}  // namespace fb::libos::rt

namespace std {
const nothrow_t nothrow{};
}

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return fb::libos::rt::heap.allocate(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return fb::libos::rt::heap.allocate(bytes);
}
// NOLINTBEGIN(misc-new-delete-overloads): the operator new that throws does not exist here
void operator delete(void* block) noexcept {
  if (block == nullptr) return;
  // A block that is not one is a bug in this program; the fault shows where.
  if (!fb::libos::rt::heap.release(block)) __builtin_trap();
}
void operator delete[](void* block) noexcept { operator delete(block); }
void operator delete(void* block, std::size_t) noexcept { operator delete(block); }
void operator delete[](void* block, std::size_t) noexcept { operator delete(block); }
// NOLINTEND(misc-new-delete-overloads)

#include "libos/rt/memory.hpp"

#include "libos/rt/environment.hpp"
#include "libos/rt/pieces.hpp"

namespace fb::libos::rt {
namespace {

// Far from the image below and from what the starter maps above (kReservedStart).
constexpr core::VirtAddr kStart{0x1000'0000'0000};
constexpr core::PageCount kCount{0x4000'0000'0000 >> core::kPageShift};

constinit RangeAllocator<512> ranges{PageRange{kStart, kCount}};

void unmap(PageRange range) {
  in_all_pieces(range.count, [&](core::PageCount done, core::PageCount now) {
    static_cast<void>(abi::calls::unmap_pages(environment().space, range.start + core::bytes_of(done), now));
  });
}

}  // namespace

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    reset();
    taken_ = std::exchange(other.taken_, {});
    pages_ = other.pages_;
  }
  return *this;
}

void Mapping::reset() {
  if (none()) return;
  unmap(pages_);
  // With too many holes the addresses are lost; the pages are not.
  static_cast<void>(ranges.give(std::exchange(taken_, {})));
}

core::Result<Mapping> map(abi::Cap<abi::ObjectType::Pages> pages, core::PageCount offset,
                          core::PageCount count, abi::Access access, core::PageCount alignment) {
  // The guard is as large as the alignment, so that what follows it is aligned.
  FB_ASSIGN(const auto taken, ranges.take(count + alignment, alignment));
  const PageRange inner{taken.start + core::bytes_of(alignment), count};
  const auto mapped = in_pieces(count, [&](core::PageCount done, core::PageCount now) {
    return abi::calls::map_pages(environment().space, pages, inner.start + core::bytes_of(done),
                                 offset + done, now, access);
  });
  if (!mapped) {
    unmap(inner);
    static_cast<void>(ranges.give(taken));
    return core::fail(mapped.error());
  }
  return Mapping(taken, inner);
}

core::Result<Region> allocate(core::PageCount count, abi::PageFlags flags, core::PageCount alignment) {
  FB_ASSIGN(auto pages, own(abi::calls::alloc_mem_pages(count, flags)));
  FB_ASSIGN(auto mapping, map(pages.get(), core::PageCount(0), count, kReadWrite, alignment));
  return Region{std::move(pages), std::move(mapping)};
}

}  // namespace fb::libos::rt

#include "tests/system/harness/image.hpp"

#include <array>

#include "core/archive/newc.hpp"
#include "core/elf/image.hpp"
#include "libos/rt/environment.hpp"
#include "libos/rt/memory.hpp"

namespace fb::test {
namespace {

using core::PageCount;
using core::VirtAddr;
using libos::rt::environment;

// Outside everything that libos/rt hands out.
constexpr VirtAddr kCopyWindow{0x6000'0000'0000};

struct Part {
  PagesCap pages;
  VirtAddr address;
  PageCount offset, count;
  abi::Access access;
};
constinit std::array<Part, core::elf::kMaxSegments> parts{};
constinit std::size_t part_count = 0;

abi::Access access_of(core::cap::Rights rights) {
  abi::Access access{abi::AccessBit::Read};
  if (rights.has(core::cap::Right::Write)) access = access | abi::AccessBit::Write;
  if (rights.has(core::cap::Right::Execute)) access = access | abi::AccessBit::Execute;
  return access;
}

/// From here to the end nothing may touch the data segment but the two calls: it is away in between.
core::Result<> replace(Part part, SpaceCap space) {
  FB_TRY(abi::calls::map_pages(space, part.pages, kCopyWindow, PageCount(0), part.count, part.access));
  __builtin_memcpy(reinterpret_cast<void*>(kCopyWindow.raw()),
                   reinterpret_cast<const void*>(part.address.raw()), core::bytes_of(part.count).raw());
  const auto unmapped = abi::calls::unmap_pages(space, part.address, part.count);
  const auto mapped =
      abi::calls::map_pages(space, part.pages, part.address, PageCount(0), part.count, part.access);
  if (!unmapped || !mapped) __builtin_trap();
  return abi::calls::unmap_pages(space, kCopyWindow, part.count).transform([](std::uint64_t) {});
}

}  // namespace

core::Result<> adopt_image() {
  const auto& e = environment();
  const auto pages = core::pages_for(e.archive_offset + e.archive_bytes);
  FB_ASSIGN(const auto mapping, libos::rt::map(e.archive, PageCount(0), pages, libos::rt::kReadOnly));
  const std::byte* const first = mapping.bytes().data();
  FB_ASSIGN(const auto archive, core::archive::Archive::parse(
                                    mapping.bytes().subspan(e.archive_offset.raw(), e.archive_bytes.raw())));
  FB_ASSIGN(const auto file, archive.find("root"));
  FB_ASSIGN(const auto image, core::elf::Image::parse(file.bytes()));
  for (const core::elf::Segment& segment : image.segments()) {
    Part part{e.archive, segment.first_page(), PageCount(0), segment.pages(), access_of(segment.rights)};
    if (segment.rights.has(core::cap::Right::Write)) {
      FB_ASSIGN(part.pages, abi::calls::alloc_mem_pages(part.count, abi::PageFlags{}));
      parts[part_count++] = part;
      FB_TRY(replace(part, e.space));
      continue;
    }
    const auto at = static_cast<std::uint64_t>(segment.bytes.data() - first);
    if ((at & core::kPageMask) != (segment.address.raw() & core::kPageMask))
      return core::fail(core::Error::BadFormat);
    part.offset = PageCount(at >> core::kPageShift);
    part.count = core::pages_for(core::ByteCount((at & core::kPageMask) + segment.bytes.size()));
    parts[part_count++] = part;
  }
  return {};
}

core::Result<> map_image(SpaceCap space) {
  for (std::size_t i = 0; i != part_count; ++i) {
    const Part& part = parts[i];
    FB_TRY(abi::calls::map_pages(space, part.pages, part.address, part.offset, part.count, part.access));
  }
  return {};
}

TextPages text_pages() {
  for (std::size_t i = 0; i != part_count; ++i) {
    const Part& part = parts[i];
    if (part.access.has(abi::AccessBit::Execute)) return {part.pages, part.offset, part.count, part.address};
  }
  return {};
}

}  // namespace fb::test

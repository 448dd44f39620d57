#include "libos/rt/spawn_plan.hpp"

namespace fb::libos::rt {
namespace {

abi::Access access_of(core::cap::Rights rights) {
  abi::Access access{abi::AccessBit::Read};
  if (rights.has(core::cap::Right::Write)) access = access | abi::AccessBit::Write;
  if (rights.has(core::cap::Right::Execute)) access = access | abi::AccessBit::Execute;
  return access;
}

}  // namespace

core::Result<SpawnPlan> SpawnPlan::make(std::span<const std::byte> elf, core::PageCount limit) {
  FB_ASSIGN(const auto image, core::elf::Image::parse(elf));
  if (image.relocatable() || !image.interpreter().empty() || image.tls()) {
    return core::fail(core::Error::NotSupported);
  }
  SpawnPlan plan{};
  plan.entry = image.entry();
  plan.total = kStackPages + kAreaPages + core::PageCount(1);
  for (const core::elf::Segment& segment : image.segments()) {
    const core::VirtAddr start = segment.first_page();
    const core::PageCount pages = segment.pages();
    if ((start + core::bytes_of(pages)).raw() > kReservedStart) return core::fail(core::Error::BadAddress);
    // A segment is at most the user half: the sum of kMaxSegments of them cannot wrap.
    plan.total += pages;
    plan.segments[plan.segment_count++] = {start, pages, core::ByteCount(segment.address.raw() - start.raw()),
                                           segment.bytes, access_of(segment.rights)};
  }
  if (plan.total > limit) return core::fail(core::Error::NoMemory);
  return plan;
}

}  // namespace fb::libos::rt

#include "libos/posix/machine/program_space.hpp"

#include <algorithm>

#include "libos/posix/machine/kernel_error.hpp"

namespace fb::libos::posix::machine {
namespace {

constexpr std::uint64_t kPagesAtOnce = 64;  // of one call

abi::Access access_of(mm::Access access) {
  switch (access) {
    case mm::Access::ReadWrite:
      return rt::kReadWrite;
    case mm::Access::ReadExecute:
      return abi::AccessBit::Read | abi::AccessBit::Execute;
    default:
      return rt::kReadOnly;
  }
}

/// Calls act(address, count) for pieces of at most kPagesAtOnce pages.
template <class Act>
void in_pieces(core::VirtAddr address, core::PageCount count, Act act) {
  for (auto left = count.raw(); left != 0;) {
    const auto now = std::min(left, kPagesAtOnce);
    act(address, core::PageCount(now));
    address = address + core::bytes_of(core::PageCount(now));
    left -= now;
  }
}

}  // namespace

Answer<> ProgramSpace::open() {
  FB_ASSIGN(space_, answer_of(rt::own(abi::calls::address_space_create())));
  return {};
}

Answer<> ProgramSpace::map(core::VirtAddr address, FrameId frame, mm::Access access) {
  const auto place = Frames::place_of(frame);
  queue_.map(cap(), source_.run(place.run), address, place.offset, access_of(access));
  return {};  // flush() says it
}

void ProgramSpace::unmap(core::VirtAddr address, core::PageCount count) {
  in_pieces(address, count,
            [&](core::VirtAddr at, core::PageCount pages) { queue_.unmap(cap(), at, pages); });
}

/// Not through the queue: the call stops at a page that is not mapped, and has to be made again behind it.
void ProgramSpace::protect(core::VirtAddr address, core::PageCount count, mm::Access access) {
  queue_.submit();
  in_pieces(address, count, [&](core::VirtAddr at, core::PageCount pages) {
    for (auto left = pages; left != core::PageCount(0);) {
      const core::PageCount done(abi::calls::protect_pages(cap(), at, left, access_of(access)).value_or(0));
      if (done == left) return;
      at = at + core::bytes_of(done);
      static_cast<void>(abi::calls::unmap_pages(cap(), at, core::PageCount(1)));
      at = at + core::bytes_of(core::PageCount(1));
      left -= done + core::PageCount(1);
    }
  });
}

}  // namespace fb::libos::posix::machine

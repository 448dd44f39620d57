#include "libos/posix/machine/program_space.hpp"

#include "libos/posix/machine/kernel_error.hpp"
#include "libos/rt/pieces.hpp"

namespace fb::libos::posix::machine {
namespace {

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

}  // namespace

Answer<> ProgramSpace::open() {
  FB_ASSIGN(space_, pool_.take_space());
  return {};
}

Answer<> ProgramSpace::map(core::VirtAddr address, FrameId frame, core::PageCount count, mm::Access access) {
  const auto place = Frames::place_of(frame);
  if (count <= rt::kPagesAtOnce) {
    queue_.map(cap(), source_.run(place.run), address, place.offset, count, access_of(access));
    return {};  // flush() says it
  }
  rt::in_all_pieces(count, [&](core::PageCount done, core::PageCount now) {
    queue_.map(cap(), source_.run(place.run), address + core::bytes_of(done), place.offset + done, now,
               access_of(access));
  });
  return {};
}

void ProgramSpace::unmap(core::VirtAddr address, core::PageCount count) {
  rt::in_all_pieces(count, [&](core::PageCount done, core::PageCount now) {
    queue_.unmap(cap(), address + core::bytes_of(done), now);
  });
}

/// Not through the queue: the call stops at a page that is not mapped, and has to be made again behind it.
void ProgramSpace::protect(core::VirtAddr address, core::PageCount count, mm::Access access) {
  queue_.submit();
  rt::in_all_pieces(count, [&](core::PageCount before, core::PageCount now) {
    auto at = address + core::bytes_of(before);
    for (auto left = now; left != core::PageCount(0);) {
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

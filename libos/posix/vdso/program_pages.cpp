#include "libos/posix/vdso/program_pages.hpp"

#include <algorithm>
#include <new>

extern "C" const std::byte vdso_image_start[], vdso_image_end[];

namespace fb::libos::posix::vdso {

static_assert(sizeof(ClockPage) <= core::kPageSize);

std::span<const std::byte> image() { return {vdso_image_start, vdso_image_end}; }

Answer<Ref<ProgramPages>> ProgramPages::make(Frames& frames) {
  FB_ASSIGN(const FrameId clock, frames.allocate());
  const auto code = frames.allocate();
  if (!code) {
    frames.release(clock);
    return fail(code.error());
  }
  new (frames.bytes(clock).data()) ClockPage;
  // What follows the loaded part in the file is for linkers.
  const auto bytes = image();
  std::ranges::copy(bytes.first(std::min<std::size_t>(bytes.size(), core::kPageSize)),
                    frames.bytes(*code).data());
  auto made = make_shared<ProgramPages>(frames, clock, *code);
  if (made) return made;
  frames.release(clock);
  frames.release(*code);
  return made;
}

Answer<FrameId> ProgramPages::frame(std::uint64_t page) {
  if (page >= kPages) return fail(Errno::NoDeviceOrAddress);
  frames_.share(held_[page]);
  return held_[page];
}

Answer<core::VirtAddr> map(mm::Space& space, const Ref<ProgramPages>& pages) {
  constexpr core::ByteCount kAll{ProgramPages::kPages * core::kPageSize}, kOne{core::kPageSize};
  FB_ASSIGN(
      const auto at,
      space.mmap({.length = kAll, .protection = mm::kProtRead, .flags = mm::kMapPrivate, .backing = pages}));
  const auto code = at + core::ByteCount(ProgramPages::kImagePage * core::kPageSize);
  FB_TRY(space.mprotect(code, kOne, mm::kProtRead | mm::kProtExecute));
  // Every C library looks at it when it begins; a page that cannot be had now comes at a fault.
  static_cast<void>(space.madvise(at, kAll, mm::Advice::PopulateRead));
  return code;
}

}  // namespace fb::libos::posix::vdso

// Memory: mappings, and what is known and said of them (C4.10, C4.12).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/map/file_pages.hpp"
#include "libos/posix/task/barrier.hpp"
#include "libos/posix/uring/ring.hpp"
#include "libos/posix/vfs/memory_file.hpp"

namespace fb::libos::posix::call {

Done do_mmap(Call& call) {
  mm::MapRequest request{.address = call.address(0),
                         .length = call.bytes(1),
                         .protection = call.word32(2),
                         .flags = call.word32(3),
                         .offset = call.bytes(5)};
  if ((request.flags & mm::kMapAnonymous) == 0) {
    FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(4)));
    if (const auto* const ring = file->path_only() ? nullptr : vfs::file_as<uring::Ring>(*file)) {
      if ((request.flags & mm::kMapType) == mm::kMapPrivate) return fail(Errno::Invalid);
      FB_TRY(ring->set_mapping(request));
    } else {
      FB_TRY(map::set_file(request, *file, call.process.system.frames));
    }
  }
  FB_ASSIGN(const auto address, call.memory().mmap(request));
  return address.raw();
}

Done do_munmap(Call& call) {
  FB_TRY(call.memory().munmap(call.address(0), call.bytes(1)));
  return 0;
}

Done do_mprotect(Call& call) {
  FB_TRY(call.memory().mprotect(call.address(0), call.bytes(1), call.word32(2)));
  return 0;
}

Done do_mremap(Call& call) {
  FB_ASSIGN(const auto address, call.memory().mremap({.address = call.address(0),
                                                      .old_length = call.bytes(1),
                                                      .new_length = call.bytes(2),
                                                      .flags = call.word32(3),
                                                      .new_address = call.address(4)}));
  return address.raw();
}

Done do_madvise(Call& call) {
  FB_TRY(call.memory().madvise(call.address(0), call.bytes(1), static_cast<mm::Advice>(call.word32(2))));
  return 0;
}

Done do_brk(Call& call) { return call.memory().brk(call.address(0)).raw(); }

Done do_msync(Call& call) {
  FB_TRY(call.memory().msync(call.address(0), call.bytes(1), call.word32(2)));
  return 0;
}

Done do_mincore(Call& call) {
  std::array<std::byte, 512> pages;
  auto address = call.address(0);
  if (!address.page_aligned()) return fail(Errno::Invalid);
  if (!core::user_range(address, call.bytes(1))) return fail(Errno::NoMemory);
  ProgramOutput out(call.memory(), call.address(2));
  for (auto left = core::pages_for(call.bytes(1)).raw(); left != 0;) {
    const auto now = std::min<std::uint64_t>(left, pages.size());
    const auto some = std::span(pages).first(now);
    FB_TRY(call.memory().mincore(address, some));
    FB_TRY(out.put(some));
    address = address + core::bytes_of(core::PageCount(now));
    left -= now;
  }
  return 0;
}

Done do_mlock(Call& call) {
  FB_TRY(call.memory().mlock(call.address(0), call.bytes(1), 0));
  return 0;
}
Done do_mlock2(Call& call) {
  FB_TRY(call.memory().mlock(call.address(0), call.bytes(1), call.word32(2)));
  return 0;
}
Done do_munlock(Call& call) {
  FB_TRY(call.memory().munlock(call.address(0), call.bytes(1)));
  return 0;
}
Done do_mlockall(Call& call) {
  FB_TRY(call.memory().mlockall(call.word32(0)));
  return 0;
}
Done do_munlockall(Call& call) {
  FB_TRY(call.memory().munlockall());
  return 0;
}

Done do_membarrier(Call& call) {
  using mm::Space;
  FB_ASSIGN(const auto answer, call.memory().barrier(call.number32(0), call.word32(1)));
  const auto reach = Space::reach_of(call.number32(0));
  if (reach == Space::Barrier::None) return answer;
  FB_TRY(task::pass_barriers(call.process.system, reach == Space::Barrier::Own ? &call.process : nullptr));
  return answer;
}

Done do_memfd_create(Call& call) {
  auto name = call.memory().read_string(call.address(0), core::ByteCount(vfs::memory_file::kNameMost + 1));
  if (!name) return fail(name.error() == Errno::NameTooLong ? Errno::Invalid : name.error());
  auto& system = call.process.system;
  const auto who = call.process.place().who;
  FB_ASSIGN(const auto file, system.memory_files.make(system.frames, system.clock,
                                                      {.uid = who.uid, .gid = who.gid}, call.word32(1)));
  const bool closes = (call.word32(1) & vfs::memory_file::kCloseOnExec) != 0;
  FB_ASSIGN(const auto number, call.process.descriptors.add(file, closes));
  return static_cast<std::uint64_t>(number);
}

}  // namespace fb::libos::posix::call

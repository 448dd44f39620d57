#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/executable_file.hpp"

namespace fb::libos::posix::call {

Done do_mmap(Call& call) {
  mm::MapRequest request{.address = call.address(0),
                         .length = call.bytes(1),
                         .protection = call.word32(2),
                         .flags = call.word32(3),
                         .offset = call.bytes(5)};
  if ((request.flags & mm::kMapAnonymous) == 0) {
    FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(4)));
    if (!file->readable()) return fail(Errno::Access);
    if (!file->inode() || !file->inode()->is(vfs::mode::kRegular)) return fail(Errno::NoDevice);
    // A shared mapping shows the file: who may not write the file may not write it there.
    const bool shared = (request.flags & mm::kMapType) != mm::kMapPrivate;
    if (shared && !file->writable()) request.most = mm::kProtAll & ~mm::kProtWrite;
    const vfs::Target target{.inode = file->inode(), .origin = file->origin()};
    FB_ASSIGN(request.backing, make_shared<task::FilePages>(target, call.process.system.frames));
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

}  // namespace fb::libos::posix::call

// Modes and owners of files (C4.03).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/vfs/operations.hpp"

namespace fb::libos::posix::call {
namespace {

Answer<Ref<vfs::Inode>> named(Call& call, std::int32_t directory, unsigned path_argument, bool follow) {
  FB_ASSIGN(const auto path, call.path(path_argument));
  return resolve_at(call, directory, view(path), follow);
}

Answer<Ref<vfs::Inode>> opened(Call& call) {
  FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
  if (!file->inode()) return fail(Errno::Invalid);
  return file->inode();
}

Done change_mode(Call& call, const Answer<Ref<vfs::Inode>>& inode, std::uint32_t mode) {
  if (!inode) return fail(inode.error());
  FB_TRY(vfs::change_mode(**inode, call.process.place().who, mode & vfs::mode::kPermissions,
                          call.process.system.clock.now()));
  return 0;
}

/// The owner and group of the arguments `first` and the one after it.
Done change_owner(Call& call, const Answer<Ref<vfs::Inode>>& inode, unsigned first) {
  if (!inode) return fail(inode.error());
  FB_TRY(vfs::change_owner(**inode, call.process.place().who, call.word32(first), call.word32(first + 1),
                           call.process.system.clock.now()));
  return 0;
}

}  // namespace

Done do_chmod(Call& call) {
  return change_mode(call, named(call, vfs::at::kWorkingDirectory, 0, true), call.word32(1));
}
Done do_fchmod(Call& call) { return change_mode(call, opened(call), call.word32(1)); }
Done do_fchmodat(Call& call) {
  return change_mode(call, named(call, call.number32(0), 1, true), call.word32(2));
}

Done do_chown(Call& call) { return change_owner(call, named(call, vfs::at::kWorkingDirectory, 0, true), 1); }
Done do_lchown(Call& call) {
  return change_owner(call, named(call, vfs::at::kWorkingDirectory, 0, false), 1);
}
Done do_fchown(Call& call) { return change_owner(call, opened(call), 1); }
Done do_fchownat(Call& call) {
  const auto flags = call.word32(4);
  if ((flags & ~(vfs::at::kNoFollow | vfs::at::kEmptyPath)) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto path, call.path(1));
  if (path.empty() && (flags & vfs::at::kEmptyPath) != 0) return change_owner(call, opened(call), 2);
  const bool follow = (flags & vfs::at::kNoFollow) == 0;
  return change_owner(call, resolve_at(call, call.number32(0), view(path), follow), 2);
}

}  // namespace fb::libos::posix::call

// What is done to names.
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/vfs/open.hpp"
#include "libos/posix/vfs/operations.hpp"

namespace fb::libos::posix::call {

Answer<vfs::Place> place_of(Call& call, std::int32_t descriptor, std::string_view path) {
  if (descriptor == vfs::at::kWorkingDirectory || path.starts_with('/')) return call.process.place();
  FB_ASSIGN(const auto file, call.process.descriptors.get(descriptor));
  if (!file->inode() || !file->inode()->is_directory()) return fail(Errno::NotDirectory);
  return call.process.place(file->inode());
}

Answer<Ref<vfs::Inode>> resolve_at(Call& call, std::int32_t descriptor, std::string_view path, bool follow) {
  FB_ASSIGN(const auto place, place_of(call, descriptor, path));
  return vfs::resolve(place, path, follow);
}

Answer<Ref<vfs::Inode>> inode_at(Call& call, std::int32_t descriptor, unsigned path_argument,
                                 std::uint32_t flags) {
  FB_ASSIGN(const auto path, call.path(path_argument));
  const bool follow = (flags & vfs::at::kNoFollow) == 0;
  if (!path.empty() || (flags & vfs::at::kEmptyPath) == 0)
    return resolve_at(call, descriptor, view(path), follow);
  if (descriptor == vfs::at::kWorkingDirectory) return call.process.directory;
  FB_ASSIGN(const auto file, call.process.descriptors.get(descriptor));
  if (!file->inode()) return fail(Errno::Invalid);
  return file->inode();
}

Done open_from(Call& call, const vfs::Place& place, std::string_view path, std::uint32_t flags,
               std::uint32_t permissions) {
  FB_ASSIGN(const auto opened,
            vfs::open_inode(place, path, flags, permissions & vfs::mode::kPermissions & ~call.process.umask));
  auto& system = call.process.system;
  auto waiter = call.waiter();
  FB_ASSIGN(const auto file, vfs::open_file(opened, flags, system.devices, system.frames, waiter));
  file->note_open();
  if (opened.truncated) file->note(vfs::notice::kModify);
  FB_ASSIGN(const auto number, call.process.descriptors.add(file, (flags & vfs::flag::kCloseOnExec) != 0));
  return static_cast<std::uint64_t>(number);
}

namespace {

Done open_at(Call& call, std::int32_t directory, unsigned path_argument, std::uint32_t flags,
             std::uint32_t permissions) {
  FB_ASSIGN(const auto path, call.path(path_argument));
  FB_ASSIGN(const auto place, place_of(call, directory, view(path)));
  return open_from(call, place, view(path), flags, permissions);
}

Done stat_at(Call& call, std::int32_t directory, unsigned path_argument, core::VirtAddr to, bool follow,
             bool may_be_empty) {
  FB_ASSIGN(const auto path, call.path(path_argument));
  if (path.empty() && may_be_empty) {
    if (directory == vfs::at::kWorkingDirectory) {
      FB_TRY(call.put(to, vfs::stat_of(call.process.directory->attributes())));
      return 0;
    }
    FB_ASSIGN(const auto file, call.process.descriptors.get(directory));
    FB_TRY(call.put(to, file->stat()));
    return 0;
  }
  FB_ASSIGN(const auto inode, resolve_at(call, directory, view(path), follow));
  FB_TRY(call.put(to, vfs::stat_of(inode->attributes())));
  return 0;
}

Done access_at(Call& call, std::int32_t directory, unsigned path_argument, std::uint32_t wanted) {
  constexpr std::uint32_t kAll = 7;
  if ((wanted & ~kAll) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto path, call.path(path_argument));
  FB_ASSIGN(const auto inode, resolve_at(call, directory, view(path), true));
  FB_TRY(vfs::check_access(inode->attributes(), call.process.place().who, static_cast<vfs::Want>(wanted)));
  return 0;
}

Done readlink_at(Call& call, std::int32_t directory, unsigned path_argument, core::VirtAddr to,
                 std::int32_t room) {
  if (room <= 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto path, call.path(path_argument));
  FB_ASSIGN(const auto inode, resolve_at(call, directory, view(path), false));
  FB_ASSIGN(const auto target, inode->readlink());
  const auto count = std::min(target.size(), static_cast<std::size_t>(room));
  FB_TRY(call.memory().write(to, std::as_bytes(std::span(target.data(), count))));
  return count;
}

Done mkdir_at(Call& call, std::int32_t directory, unsigned path_argument, std::uint32_t mode) {
  FB_ASSIGN(const auto path, call.path(path_argument));
  FB_ASSIGN(const auto place, place_of(call, directory, view(path)));
  const auto permissions = mode & vfs::mode::kPermissions & ~call.process.umask;
  FB_TRY(vfs::make_node(place, view(path), vfs::mode::kDirectory | permissions));
  return 0;
}

/// `remove` is vfs::unlink or vfs::remove_directory.
Done remove_at(Call& call, std::int32_t directory, unsigned path_argument, decltype(vfs::unlink)& remove) {
  FB_ASSIGN(const auto path, call.path(path_argument));
  FB_ASSIGN(const auto place, place_of(call, directory, view(path)));
  FB_TRY(remove(place, view(path)));
  return 0;
}

constexpr auto kHere = vfs::at::kWorkingDirectory;

}  // namespace

Done do_open(Call& call) { return open_at(call, kHere, 0, call.word32(1), call.word32(2)); }
Done do_openat(Call& call) { return open_at(call, call.number32(0), 1, call.word32(2), call.word32(3)); }

Done do_stat(Call& call) { return stat_at(call, kHere, 0, call.address(1), true, false); }
Done do_lstat(Call& call) { return stat_at(call, kHere, 0, call.address(1), false, false); }
Done do_fstat(Call& call) {
  FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
  FB_TRY(call.put(call.address(1), file->stat()));
  return 0;
}
Done do_newfstatat(Call& call) {
  const auto flags = call.word32(3);
  return stat_at(call, call.number32(0), 1, call.address(2), (flags & vfs::at::kNoFollow) == 0,
                 (flags & vfs::at::kEmptyPath) != 0);
}

Done do_access(Call& call) { return access_at(call, kHere, 0, call.word32(1)); }
Done do_faccessat(Call& call) { return access_at(call, call.number32(0), 1, call.word32(2)); }
Done do_readlink(Call& call) { return readlink_at(call, kHere, 0, call.address(1), call.number32(2)); }
Done do_readlinkat(Call& call) {
  return readlink_at(call, call.number32(0), 1, call.address(2), call.number32(3));
}

Done do_getcwd(Call& call) {
  std::array<char, vfs::kPathMax> room;
  FB_ASSIGN(const auto path, vfs::path_of(call.process.place(), call.process.directory, room));
  if (path.size() + 1 > call.word(1)) return fail(Errno::Range);
  ProgramOutput out(call.memory(), call.address(0));
  FB_TRY(out.put(std::as_bytes(std::span(path))));
  FB_TRY(out.put(std::array{std::byte{0}}));
  return path.size() + 1;
}

Done do_chdir(Call& call) {
  FB_ASSIGN(const auto path, call.path(0));
  FB_ASSIGN(const auto inode, vfs::resolve(call.process.place(), view(path), true));
  if (!inode->is_directory()) return fail(Errno::NotDirectory);
  FB_TRY(vfs::check_access(inode->attributes(), call.process.place().who, vfs::Want::Execute));
  call.process.directory = inode;
  return 0;
}

Done do_mkdir(Call& call) { return mkdir_at(call, kHere, 0, call.word32(1)); }
Done do_mkdirat(Call& call) { return mkdir_at(call, call.number32(0), 1, call.word32(2)); }

Done do_rmdir(Call& call) { return remove_at(call, kHere, 0, vfs::remove_directory); }
Done do_unlink(Call& call) { return remove_at(call, kHere, 0, vfs::unlink); }
Done do_unlinkat(Call& call) {
  if ((call.word32(2) & ~vfs::at::kRemoveDirectory) != 0) return fail(Errno::Invalid);
  return remove_at(call, call.number32(0), 1, call.word32(2) != 0 ? vfs::remove_directory : vfs::unlink);
}

Done do_rename(Call& call) {
  FB_ASSIGN(const auto from, call.path(0));
  FB_ASSIGN(const auto to, call.path(1));
  const auto place = call.process.place();
  FB_TRY(vfs::rename(place, view(from), place, view(to), 0));
  return 0;
}

Done do_link(Call& call) {
  FB_ASSIGN(const auto from, call.path(0));
  FB_ASSIGN(const auto to, call.path(1));
  FB_ASSIGN(const auto target, vfs::resolve(call.process.place(), view(from), false));
  FB_TRY(vfs::link(call.process.place(), target, view(to)));
  return 0;
}

Done do_symlink(Call& call) {
  FB_ASSIGN(const auto target, call.path(0));
  FB_ASSIGN(const auto path, call.path(1));
  FB_TRY(vfs::make_symlink(call.process.place(), view(path), view(target)));
  return 0;
}

Done do_umask(Call& call) { return std::exchange(call.process.umask, call.word32(0) & 0777); }

}  // namespace fb::libos::posix::call

// More of what is done to names: the *at calls, special files, openat2, other roots.
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/vfs/operations.hpp"

namespace fb::libos::posix::call {
namespace {

constexpr auto kHere = vfs::at::kWorkingDirectory;

Done rename_at(Call& call, std::uint32_t flags) {
  FB_ASSIGN(const auto from, call.path(1));
  FB_ASSIGN(const auto to, call.path(3));
  FB_ASSIGN(const auto from_place, place_of(call, call.number32(0), view(from)));
  FB_ASSIGN(const auto to_place, place_of(call, call.number32(2), view(to)));
  FB_TRY(vfs::rename(from_place, view(from), to_place, view(to), flags));
  return 0;
}

/// `first`: where the path is among the arguments; mode and device follow it.
Done make_node_at(Call& call, std::int32_t directory, unsigned first) {
  const auto mode = call.word32(first + 1), type = mode & vfs::mode::kType;
  const auto device = call.word32(first + 2);
  switch (type) {
    case 0:
    case vfs::mode::kRegular:
    case vfs::mode::kCharacter:
    case vfs::mode::kBlock:
    case vfs::mode::kFifo:
    case vfs::mode::kSocket:
      break;
    default:
      return fail(type == vfs::mode::kDirectory ? Errno::Perm : Errno::Invalid);
  }
  FB_ASSIGN(const auto path, call.path(first));
  FB_ASSIGN(const auto place, place_of(call, directory, view(path)));
  const auto permissions = mode & vfs::mode::kPermissions & ~call.process.umask;
  FB_TRY(vfs::make_node(place, view(path), (type == 0 ? vfs::mode::kRegular : type) | permissions, device));
  return 0;
}

/// struct open_how.
struct OpenHow {
  std::uint64_t flags, mode, resolve;
};

/// Errors: Invalid, ArgumentsTooLong for what is not known yet, Fault.
Answer<OpenHow> open_how(Call& call) {
  const auto size = call.word(3);
  if (size < sizeof(OpenHow)) return fail(Errno::Invalid);
  if (size > core::kPageSize) return fail(Errno::ArgumentsTooLong);
  for (std::uint64_t at = sizeof(OpenHow); at < size; ++at) {
    FB_ASSIGN(const auto byte, call.get<std::byte>(call.address(2) + core::ByteCount(at)));
    if (byte != std::byte{0}) return fail(Errno::ArgumentsTooLong);
  }
  FB_ASSIGN(const auto how, call.get<OpenHow>(call.address(2)));
  using namespace vfs::flag;
  constexpr std::uint64_t kKnown = kAccess | kCreate | kExclusive | kNoTerminal | kTruncate | kAppend |
                                   kNonBlock | kSync | kAsync | kDirect | kLargeFile | vfs::flag::kDirectory |
                                   kNoFollow | kNoAccessTime | kCloseOnExec | kPath | kTemporary;
  constexpr std::uint64_t kUnnamed = kTemporary & ~vfs::flag::kDirectory;
  const bool creates = (how.flags & (kCreate | kUnnamed)) != 0;
  if ((how.flags & ~kKnown) != 0 || (how.resolve & ~std::uint64_t{vfs::resolving::kAll}) != 0) {
    return fail(Errno::Invalid);
  }
  constexpr auto kBoth = vfs::resolving::kBeneath | vfs::resolving::kInRoot;
  if ((how.resolve & kBoth) == kBoth) return fail(Errno::Invalid);
  if ((creates ? how.mode & ~std::uint64_t{vfs::mode::kPermissions} : how.mode) != 0)
    return fail(Errno::Invalid);
  constexpr std::uint64_t kWithPath = kPath | vfs::flag::kDirectory | kNoFollow | kCloseOnExec;
  if ((how.flags & kPath) != 0 && (how.flags & ~kWithPath) != 0) return fail(Errno::Invalid);
  const bool changes = creates || (how.flags & kTruncate) != 0;
  if ((how.resolve & vfs::resolving::kCached) != 0 && changes) return fail(Errno::TryAgain);
  return how;
}

Answer<> check_root(const vfs::Inode& inode, const vfs::Credentials& who) {
  if (!inode.is_directory()) return fail(Errno::NotDirectory);
  return vfs::check_access(inode.attributes(), who, vfs::Want::Execute);
}

}  // namespace

Done do_openat2(Call& call) {
  FB_ASSIGN(const auto how, open_how(call));
  FB_ASSIGN(const auto path, call.path(1));
  const auto resolving = static_cast<std::uint32_t>(how.resolve);
  // Where the descriptor is the root, absolute paths begin there, too.
  const bool rooted = (resolving & vfs::resolving::kInRoot) != 0;
  FB_ASSIGN(const auto place, place_of(call, call.number32(0), rooted ? std::string_view() : view(path)));
  return open_from(call, vfs::Walk::restricted(place, resolving), view(path),
                   static_cast<std::uint32_t>(how.flags), static_cast<std::uint32_t>(how.mode));
}

Done do_creat(Call& call) {
  FB_ASSIGN(const auto path, call.path(0));
  return open_from(call, call.process.place(), view(path),
                   vfs::flag::kCreate | vfs::flag::kWrite | vfs::flag::kTruncate, call.word32(1));
}

Done do_renameat(Call& call) { return rename_at(call, 0); }
Done do_renameat2(Call& call) { return rename_at(call, call.word32(4)); }

Done do_linkat(Call& call) {
  const auto flags = call.word32(4);
  if ((flags & ~(vfs::at::kFollow | vfs::at::kEmptyPath)) != 0) return fail(Errno::Invalid);
  const auto who = call.process.place().who;
  // By its descriptor alone, a file could get a name that nobody gave to who calls.
  const bool empty = (flags & vfs::at::kEmptyPath) != 0 && who.root();
  FB_ASSIGN(const auto target, inode_at(call, call.number32(0), 1,
                                        ((flags & vfs::at::kFollow) != 0 ? 0 : vfs::at::kNoFollow) |
                                            (empty ? vfs::at::kEmptyPath : 0)));
  FB_ASSIGN(const auto path, call.path(3));
  FB_ASSIGN(const auto place, place_of(call, call.number32(2), view(path)));
  FB_TRY(vfs::link(place, target, view(path)));
  return 0;
}

Done do_symlinkat(Call& call) {
  FB_ASSIGN(const auto target, call.path(0));
  FB_ASSIGN(const auto path, call.path(2));
  FB_ASSIGN(const auto place, place_of(call, call.number32(1), view(path)));
  FB_TRY(vfs::make_symlink(place, view(path), view(target)));
  return 0;
}

Done do_mknod(Call& call) { return make_node_at(call, kHere, 0); }
Done do_mknodat(Call& call) { return make_node_at(call, call.number32(0), 1); }

Done do_truncate(Call& call) {
  FB_ASSIGN(const auto path, call.path(0));
  if (static_cast<std::int64_t>(call.word(1)) < 0) return fail(Errno::Invalid);
  const auto place = call.process.place();
  FB_ASSIGN(const auto inode, vfs::resolve(place, view(path), true));
  FB_TRY(vfs::truncate(*inode, place.who, call.word(1)));
  return 0;
}

Done do_fchdir(Call& call) {
  FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
  if (!file->inode()) return fail(Errno::NotDirectory);
  FB_TRY(check_root(*file->inode(), call.process.place().who));
  call.process.directory = file->inode();
  return 0;
}

Done do_chroot(Call& call) {
  FB_ASSIGN(const auto path, call.path(0));
  const auto place = call.process.place();
  FB_ASSIGN(const auto inode, vfs::resolve(place, view(path), true));
  FB_TRY(check_root(*inode, place.who));
  if (!place.who.root()) return fail(Errno::Perm);
  call.process.root = inode;
  return 0;
}

Done do_name_to_handle_at(Call&) { return fail(Errno::NotSupported); }
Done do_open_by_handle_at(Call&) { return fail(Errno::NotSupported); }

}  // namespace fb::libos::posix::call

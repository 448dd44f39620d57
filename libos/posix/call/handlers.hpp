// One function per call, in files by group; the table is calls.def.
#pragma once

#include "libos/posix/call/call.hpp"

namespace fb::libos::posix::call {

#define FB_LINUX_CALL(number, name) Done do_##name(Call& call);
#include "libos/posix/call/calls.def"
#undef FB_LINUX_CALL

/// Where the path of a call with a directory descriptor begins. Errors: BadDescriptor, NotDirectory.
Answer<vfs::Place> place_of(Call& call, std::int32_t descriptor, std::string_view path);
/// What that path names; `follow`: also through a symbolic link at its end. Errors: those and of a walk.
Answer<Ref<vfs::Inode>> resolve_at(Call& call, std::int32_t descriptor, std::string_view path, bool follow);
/// The signal mask of ppoll and its like, for the time of the call; none at address 0. Errors: Invalid, Fault.
Answer<> mask_for_call(Call& call, core::VirtAddr mask, std::uint64_t bytes);

/// read and write, once it is known where from and where to.
Done read_file(Call& call, vfs::File& file, vfs::Output& out, std::size_t count);
Done write_file(Call& call, vfs::File& file, vfs::Input& in, std::size_t count);

/// What *at calls with flags of vfs::at are about: a path, or with kEmptyPath and an empty one the descriptor itself. Errors:
/// those, and BadDescriptor.
Answer<Ref<vfs::Inode>> inode_at(Call& call, std::int32_t descriptor, unsigned path_argument,
                                 std::uint32_t flags);
/// open, from where a path begins. Permissions come without the umask.
Done open_from(Call& call, const vfs::Place& place, std::string_view path, std::uint32_t flags,
               std::uint32_t permissions);

}  // namespace fb::libos::posix::call

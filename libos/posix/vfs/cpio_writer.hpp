// Newc archives from file systems: what an instance hands out.
#pragma once

#include "libos/posix/vfs/inode.hpp"

namespace fb::libos::posix::vfs {

/// All below `top`, with owners, modes and times; "." is `top` itself, which may be any kind of file. Hard links become
/// files of their own. Files may change meanwhile, since `out` may wait: each is as long as when its turn came. What is behind
/// mount points is left out. Errors: those of `out`, NameTooLong for a path that no archive should have, FileTooLarge
/// above 4 GiB, NoMemory; nothing follows what was written then.
Answer<> write_cpio(const Ref<Inode>& top, Output& out);

/// An archive of nothing. Errors: those of `out`.
Answer<> write_empty_cpio(Output& out);

}  // namespace fb::libos::posix::vfs

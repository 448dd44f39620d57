// File systems: what they are, and mounting them (C4.18).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/procfs/mounter.hpp"

namespace fb::libos::posix::call {
namespace {

/// struct statfs of x86-64 (uapi asm-generic/statfs.h).
struct StatFs {
  std::uint64_t type, block_size, blocks, free_blocks, available_blocks, files, free_files;
  std::uint64_t identity, name_length, fragment_size, flags, spare[4];
};
static_assert(sizeof(StatFs) == 120);

/// What no mount holds is told by its kind: pipes, sockets and the like.
vfs::Statistics statistics_of(const vfs::Inode* inode, const vfs::Mounts::Mount* mount) {
  if (mount != nullptr) return mount->system->statistics();
  if (inode != nullptr && inode->is(vfs::mode::kFifo)) return {.type = "pipefs", .magic = vfs::magic::kPipes};
  if (inode != nullptr && inode->is(vfs::mode::kSocket)) {
    return {.type = "sockfs", .magic = vfs::magic::kSockets};
  }
  return {};
}

/// ST_VALID, and the mount's flags as ST_ has them.
std::uint64_t flags_of(const vfs::Mounts::Mount* mount) {
  constexpr std::uint64_t kValid = 0x20, kNoAccessTime = 0x400, kRelativeAccessTime = 0x1000;
  constexpr std::uint64_t kAlike =
      vfs::mounting::kNoSetId | vfs::mounting::kNoDevices | vfs::mounting::kNoExecute;
  if (mount == nullptr) return kValid;
  const std::uint64_t its = mount->label.flags;
  const bool never = (its & vfs::mounting::kNoAccessTime) != 0;
  return kValid | (its & kAlike) | (never ? kNoAccessTime : kRelativeAccessTime);
}

Done tell(Call& call, const vfs::Inode* inode) {
  const auto* const mount = inode == nullptr ? nullptr : call.process.system.mounts.holder(*inode);
  const vfs::Statistics of = statistics_of(inode, mount);
  FB_TRY(call.put(call.address(1), StatFs{.type = of.magic,
                                          .block_size = core::kPageSize,
                                          .blocks = of.blocks,
                                          .free_blocks = of.free_blocks,
                                          .available_blocks = of.free_blocks,
                                          .files = of.files,
                                          .free_files = of.free_files,
                                          .identity = inode == nullptr ? 0 : inode->attributes().device,
                                          .name_length = vfs::kNameMax,
                                          .fragment_size = core::kPageSize,
                                          .flags = flags_of(mount),
                                          .spare = {}}));
  return 0;
}

/// A text that need not be there. Errors: Fault, NameTooLong, NoMemory.
Answer<Vector<char>> optional_text(Call& call, unsigned i) {
  if (call.word(i) == 0) return Vector<char>();
  return call.path(i);
}

}  // namespace

Done do_statfs(Call& call) {
  FB_ASSIGN(const auto path, call.path(0));
  FB_ASSIGN(const auto inode, vfs::resolve(call.process.place(), view(path), true));
  return tell(call, inode.get());
}

Done do_fstatfs(Call& call) {
  FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
  return tell(call, file->inode().get());
}

Done do_mount(Call& call) {
  // Of programs from before Linux 2.4; they say so in the upper half.
  constexpr std::uint64_t kOldMask = 0xffff'0000, kOld = 0xc0ed'0000;
  FB_ASSIGN(const auto type, optional_text(call, 2));
  FB_ASSIGN(const auto source, optional_text(call, 0));
  FB_ASSIGN(const auto data, optional_text(call, 4));
  FB_ASSIGN(const auto target, call.path(1));
  std::uint64_t flags = call.word(3);
  if ((flags & kOldMask) == kOld) flags &= ~kOldMask;
  auto* const mounter = call.process.system.mounter;
  if (mounter == nullptr) return fail(Errno::NoDevice);
  FB_TRY(mounter->mount(call.process.place(), {.source = view(source),
                                               .target = view(target),
                                               .type = view(type),
                                               .data = view(data),
                                               .flags = flags}));
  return 0;
}

Done do_umount2(Call& call) {
  FB_ASSIGN(const auto target, call.path(0));
  auto* const mounter = call.process.system.mounter;
  if (mounter == nullptr) return fail(Errno::Invalid);
  FB_TRY(mounter->unmount(call.process.place(), view(target), call.word32(1)));
  return 0;
}

}  // namespace fb::libos::posix::call

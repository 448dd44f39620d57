// Extended attributes (Linux xattr(7)).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/vfs/extended.hpp"

namespace fb::libos::posix::call {
namespace {

enum class Found : std::uint8_t { Path, Link, Descriptor };

Answer<Ref<vfs::Inode>> inode_of(Call& call, Found found) {
  if (found == Found::Descriptor) {
    FB_ASSIGN(const auto file, call.process.descriptors.get(call.number32(0)));
    if (file->path_only()) return fail(Errno::BadDescriptor);
    if (!file->inode()) return fail(Errno::NotSupported);
    return file->inode();
  }
  return inode_at(call, vfs::at::kWorkingDirectory, 0, found == Found::Link ? vfs::at::kNoFollow : 0);
}

/// Errors: Range for none and for too long a one, Fault.
Answer<Vector<char>> name_of(Call& call) {
  auto name =
      call.memory().read_string(call.address(1), core::ByteCount(vfs::ExtendedAttributes::kNameMost + 1));
  if (name ? name->empty() : name.error() == Errno::NameTooLong) return fail(Errno::Range);
  return name;
}

/// How much there is; with room for it, it is put. Errors: Range, Fault.
Done give(Call& call, core::VirtAddr to, std::uint64_t room, std::span<const std::byte> bytes) {
  if (room == 0) return bytes.size();
  if (bytes.size() > room) return fail(Errno::Range);
  FB_TRY(call.memory().write(to, bytes));
  return bytes.size();
}

Done set(Call& call, Found found) {
  if ((call.word32(4) & ~(vfs::ExtendedAttributes::kCreate | vfs::ExtendedAttributes::kReplace)) != 0) {
    return fail(Errno::Invalid);
  }
  FB_ASSIGN(const auto name, name_of(call));
  if (call.word(3) > vfs::ExtendedAttributes::kValueMost) return fail(Errno::ArgumentsTooLong);
  Vector<std::byte> value;
  FB_TRY(value.reserve(call.word(3)));
  while (value.size() < call.word(3)) FB_TRY(value.push_back(std::byte{0}));
  FB_TRY(call.memory().read(call.address(2), {value.begin(), value.size()}));
  FB_ASSIGN(const auto inode, inode_of(call, found));
  FB_TRY(vfs::set_extended(*inode, call.process.place().who, view(name), std::move(value), call.word32(4),
                           call.process.system.clock.now()));
  return 0;
}

Done get(Call& call, Found found) {
  FB_ASSIGN(const auto name, name_of(call));
  FB_ASSIGN(const auto inode, inode_of(call, found));
  FB_ASSIGN(const auto value, vfs::get_extended(*inode, call.process.place().who, view(name)));
  return give(call, call.address(2), call.word(3), value);
}

Done list(Call& call, Found found) {
  FB_ASSIGN(const auto inode, inode_of(call, found));
  FB_ASSIGN(const auto names, vfs::list_extended(*inode, call.process.place().who));
  return give(call, call.address(1), call.word(2), std::as_bytes(names.view()));
}

Done remove(Call& call, Found found) {
  FB_ASSIGN(const auto name, name_of(call));
  FB_ASSIGN(const auto inode, inode_of(call, found));
  FB_TRY(vfs::remove_extended(*inode, call.process.place().who, view(name), call.process.system.clock.now()));
  return 0;
}

}  // namespace

Done do_setxattr(Call& call) { return set(call, Found::Path); }
Done do_lsetxattr(Call& call) { return set(call, Found::Link); }
Done do_fsetxattr(Call& call) { return set(call, Found::Descriptor); }
Done do_getxattr(Call& call) { return get(call, Found::Path); }
Done do_lgetxattr(Call& call) { return get(call, Found::Link); }
Done do_fgetxattr(Call& call) { return get(call, Found::Descriptor); }
Done do_listxattr(Call& call) { return list(call, Found::Path); }
Done do_llistxattr(Call& call) { return list(call, Found::Link); }
Done do_flistxattr(Call& call) { return list(call, Found::Descriptor); }
Done do_removexattr(Call& call) { return remove(call, Found::Path); }
Done do_lremovexattr(Call& call) { return remove(call, Found::Link); }
Done do_fremovexattr(Call& call) { return remove(call, Found::Descriptor); }

}  // namespace fb::libos::posix::call

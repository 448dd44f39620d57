// /proc/N/mounts and mountinfo.
#include "libos/posix/procfs/writers.hpp"

namespace fb::libos::posix::procfs {
namespace {

using core::text::print;

constexpr std::string_view kSpecial = " \t\n#";

void put_options(Text& text, std::uint64_t flags) {
  text.put("rw");
  if ((flags & vfs::mounting::kNoSetId) != 0) text.put(",nosuid");
  if ((flags & vfs::mounting::kNoDevices) != 0) text.put(",nodev");
  if ((flags & vfs::mounting::kNoExecute) != 0) text.put(",noexec");
  text.put((flags & vfs::mounting::kNoAccessTime) != 0 ? ",noatime" : ",relatime");
}

void put_source(Text& text, const vfs::Mounts::Mount& mount, std::string_view type) {
  const std::string_view source = mount.label.source.view();
  text.put_escaped(source.empty() ? type : source, kSpecial);
}

/// The mount that `mount` is in: 1 at the top of all, which has no number.
std::uint32_t parent_number(const vfs::Mounts& mounts, const vfs::Mounts::Mount& mount) {
  const auto* const above = mount.point ? mounts.holder(*mount.point) : nullptr;
  return above == nullptr ? 0 : above->number;
}

void put_number(Text& text, const vfs::Mounts& mounts, const vfs::Mounts::Mount& mount) {
  const std::uint64_t device = mount.root->attributes().device;
  print(text, mount.number, ' ', parent_number(mounts, mount), ' ',
        (device >> 8 & 0xfff) | (device >> 32 & ~0xfffULL), ':',
        (device & 0xff) | (device >> 12 & 0xffff'ff00), " / ");
}

/// One mount a piece, those that the process cannot see left out. The cursor is the number of the last.
Answer<> write_one(const View& view, Text& text, Cursor& cursor, bool numbers) {
  const vfs::Place callers = view.information().place();
  FB_ASSIGN(const auto root, view.information().held(view.process(), Held::Root));
  const vfs::Place place{
      .root = root.inode, .directory = root.inode, .who = callers.who, .mounts = callers.mounts};
  for (const auto& mount : place.mounts.view()) {
    if (mount.number <= cursor) continue;
    cursor = mount.number;
    std::array<char, vfs::kPathMax> room;
    const auto path = vfs::path_of(place, mount.root, room);
    if (!path) continue;
    const std::string_view type = mount.system->statistics().type;
    if (numbers) {
      put_number(text, place.mounts, mount);
      text.put_escaped(*path, kSpecial);
      text.put(" ");
      put_options(text, mount.label.flags);
      print(text, " - ", type, ' ');
      put_source(text, mount, type);
      text.put(" rw\n");
    } else {
      put_source(text, mount, type);
      text.put(" ");
      text.put_escaped(*path, kSpecial);
      print(text, ' ', type, ' ');
      put_options(text, mount.label.flags);
      text.put(" 0 0\n");
    }
    return {};
  }
  return {};
}

}  // namespace

Answer<> write_mounts(const View& view, Text& text, Cursor& cursor) {
  return write_one(view, text, cursor, false);
}
Answer<> write_mount_states(const View& view, Text& text, Cursor& cursor) {
  return write_one(view, text, cursor, true);
}

}  // namespace fb::libos::posix::procfs

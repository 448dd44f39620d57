// Where the links of /proc lead, and what fdinfo says of descriptors.
#include "libos/posix/procfs/writers.hpp"

namespace fb::libos::posix::procfs {
namespace {

using core::text::print;

/// Pipes and sockets have no path, but a number.
void put_nameless(Text& text, const vfs::File& file) {
  const auto stat = file.stat();
  switch (stat.mode & vfs::mode::kType) {
    case vfs::mode::kFifo:
      return print(text, "pipe:[", stat.inode, ']');
    case vfs::mode::kSocket:
      return print(text, "socket:[", stat.inode, ']');
    default:
      text.put("anon_inode:[file]");
  }
}

/// The path of `target`, as the caller would walk it. Errors: NoEntry for what has none.
Answer<> put_path(const View& view, const vfs::Target& target, Text& text) {
  [[clang::uninitialized]] std::array<char, vfs::kPathMax>
      room;  // half a thousand instructions to clear, and read after it is written
  const vfs::Place place = view.information().place();
  const auto path = vfs::path_of(place, target, room);
  if (!path && path.error() == Errno::NoEntry && target.inode->is_directory()) {
    text.put(target.inode->attributes().links == 0 ? "/ (deleted)" : "(unreachable)");
    return {};
  }
  if (!path) return fail(path.error() == Errno::Range ? Errno::NameTooLong : path.error());
  text.put(*path);
  return {};
}

Answer<> write_held(const View& view, Held what, Text& text) {
  FB_ASSIGN(const vfs::Target target, view.information().held(view.process(), what));
  return put_path(view, target, text);
}

}  // namespace

Answer<> write_self(const View& view, Text& text, Cursor& /*cursor*/) {
  const Pid process = view.information().caller().process;
  if (process == Pid(0)) return fail(Errno::NoEntry);
  print(text, process);
  return {};
}

Answer<> write_thread_self(const View& view, Text& text, Cursor& /*cursor*/) {
  const Subject caller = view.information().caller();
  if (caller.process == Pid(0)) return fail(Errno::NoEntry);
  print(text, caller.process, "/task/", caller.thread);
  return {};
}

Answer<vfs::Target> follow_executable(const View& view) {
  return view.information().held(view.process(), Held::Executable);
}
Answer<> write_executable(const View& view, Text& text, Cursor& /*cursor*/) {
  return write_held(view, Held::Executable, text);
}
Answer<vfs::Target> follow_directory(const View& view) {
  return view.information().held(view.process(), Held::Directory);
}
Answer<> write_directory(const View& view, Text& text, Cursor& /*cursor*/) {
  return write_held(view, Held::Directory, text);
}
Answer<vfs::Target> follow_root(const View& view) {
  return view.information().held(view.process(), Held::Root);
}
Answer<> write_root(const View& view, Text& text, Cursor& /*cursor*/) {
  return write_held(view, Held::Root, text);
}

/// What has no inode gets one that only stat can use. Errors: NoEntry.
Answer<vfs::Target> follow_descriptor(const View& view) {
  const auto open = view.information().descriptor(view.process(), view.key.descriptor);
  if (!open) return fail(Errno::NoEntry);
  const vfs::File& file = *open->file;
  if (file.inode()) return vfs::Target{.inode = file.inode(), .origin = file.origin()};
  const auto stat = file.stat();
  FB_ASSIGN(const auto made, make_shared<vfs::Inode>(vfs::Attributes{.device = stat.device,
                                                                     .inode = stat.inode,
                                                                     .mode = stat.mode,
                                                                     .uid = stat.uid,
                                                                     .gid = stat.gid,
                                                                     .links = 1,
                                                                     .rdev = stat.rdev}));
  return vfs::Target{.inode = made, .origin = {}};
}

Answer<> write_descriptor(const View& view, Text& text, Cursor& /*cursor*/) {
  const auto open = view.information().descriptor(view.process(), view.key.descriptor);
  if (!open) return fail(Errno::NoEntry);
  const vfs::File& file = *open->file;
  const bool named = file.inode() && (file.origin() || file.inode()->is_directory());
  if (named) return put_path(view, {.inode = file.inode(), .origin = file.origin()}, text);
  put_nameless(text, file);
  return {};
}

Answer<> write_descriptor_state(const View& view, Text& text, Cursor& /*cursor*/) {
  const auto open = view.information().descriptor(view.process(), view.key.descriptor);
  if (!open) return fail(Errno::NoEntry);
  vfs::File& file = *open->file;
  const std::uint32_t flags = file.flags() | (open->close_on_exec ? vfs::flag::kCloseOnExec : 0);
  const auto* const mount = file.inode() ? view.information().place().mounts.holder(*file.inode()) : nullptr;
  print(text, "pos:\t", file.seek(0, vfs::Whence::Current).value_or(0), "\nflags:\t0");
  put_octal(text, flags, 1);
  print(text, "\nmnt_id:\t", mount == nullptr ? 0 : mount->number, "\nino:\t", file.stat().inode, '\n');
  if (const auto process = file.named_process())
    print(text, "Pid:\t", *process, "\nNSpid:\t", *process, '\n');
  return {};
}

}  // namespace fb::libos::posix::procfs

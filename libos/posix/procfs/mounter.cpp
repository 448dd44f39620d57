#include "libos/posix/procfs/mounter.hpp"

#include <algorithm>

#include "core/text/parse.hpp"
#include "libos/posix/vfs/operations.hpp"
#include "libos/posix/vfs/tmpfs.hpp"

namespace fb::libos::posix::procfs {
namespace {

constexpr std::uint64_t kUnmountFlags = 15;  // MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW
constexpr std::uint64_t kUnmountExpire = 4, kUnmountNoFollow = 8;

std::string_view behind(std::string_view text, std::size_t at) {
  return {text.data() + at, text.size() - at};
}

/// A number with k, m or g behind it. Errors: Invalid.
Answer<std::uint64_t> size_of(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty()) {
    const auto unit = static_cast<char>(text.back() | 0x20);
    shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
    if (shift != 0) text.remove_suffix(1);
  }
  const auto number = core::text::parse_decimal(text);
  if (!number || *number > ~std::uint64_t{0} >> shift) return fail(Errno::Invalid);
  return *number << shift;
}

Answer<std::uint32_t> octal(std::string_view text) {
  std::uint32_t value = 0;
  if (text.empty()) return fail(Errno::Invalid);
  for (const char c : text) {
    if (c < '0' || c > '7' || value > vfs::mode::kPermissions) return fail(Errno::Invalid);
    value = value * 8 + static_cast<std::uint32_t>(c - '0');
  }
  return value & vfs::mode::kPermissions;
}

struct TmpfsOptions {
  vfs::Tmpfs::Limits limits{};
  vfs::NewInode root{.mode = vfs::mode::kDirectory | 01777};
};

/// Errors: Invalid.
Answer<> read_option(std::string_view option, TmpfsOptions& options) {
  const std::size_t equals = std::min(option.find('='), option.size());
  const std::string_view name(option.data(), equals);
  const std::string_view value = behind(option, std::min(equals + 1, option.size()));
  if (name == "mode") {
    FB_ASSIGN(const auto mode, octal(value));
    options.root.mode = vfs::mode::kDirectory | mode;
    return {};
  }
  if (name != "size" && name != "nr_inodes" && name != "uid" && name != "gid") return {};
  if (value.ends_with('%')) return {};  // of the memory, which limits it anyway
  FB_ASSIGN(const auto number, size_of(value));
  const std::uint64_t unlimited = ~std::uint64_t{0};
  if (name == "size") {
    const auto pages = number / core::kPageSize + (number % core::kPageSize != 0 ? 1 : 0);
    options.limits.pages = number != 0 ? pages : unlimited;
  }
  if (name == "nr_inodes") options.limits.inodes = number != 0 ? number : unlimited;
  if (name == "uid") options.root.uid = static_cast<std::uint32_t>(number);
  if (name == "gid") options.root.gid = static_cast<std::uint32_t>(number);
  return {};
}

/// Errors: those of making it; none when there is such a directory.
Answer<> make_directory(const vfs::Place& place, std::string_view path) {
  const auto made = vfs::make_node(place, path, vfs::mode::kDirectory | 0755);
  return made || made.error() == Errno::Exists ? Answer<>() : Answer<>(fail(made.error()));
}

}  // namespace

Mounter::Mounter(const Parts& parts, std::uint64_t first_device)
    : parts_(parts),
      context_{.information = parts.information, .random = parts.random},
      next_device_(first_device) {
  parts.random.fill(context_.boot_id);
}

Answer<Ref<vfs::FileSystem>> Mounter::make_tmpfs(std::string_view data) {
  TmpfsOptions options;
  // As on Linux: half of the memory, unless it is said otherwise.
  if (const auto memory = parts_.information.system().memory; memory != 0) {
    options.limits.pages = options.limits.inodes = memory / 2 / core::kPageSize;
  }
  while (!data.empty()) {
    const std::size_t comma = std::min(data.find(','), data.size());
    FB_TRY(read_option({data.data(), comma}, options));
    data = behind(data, std::min(comma + 1, data.size()));
  }
  FB_ASSIGN(const auto made,
            vfs::Tmpfs::make(parts_.frames, parts_.clock, next_device_, options.root, options.limits));
  return Ref<vfs::FileSystem>(made);
}

Answer<Ref<vfs::FileSystem>> Mounter::make(const Request& request) {
  if (request.type == "tmpfs" || request.type == "devtmpfs" || request.type == "ramfs") {
    return make_tmpfs(request.data);
  }
  if (request.type == "proc") return make_proc(context_, next_device_);
  if (request.type == "sysfs") return make_sysfs(context_, next_device_);
  return fail(Errno::NoDevice);
}

Answer<> Mounter::mount(const vfs::Place& place, const Request& request) {
  constexpr std::uint64_t kRefused =
      vfs::mounting::kReadOnly | vfs::mounting::kRemount | vfs::mounting::kBind | vfs::mounting::kMove;
  if (!place.who.root()) return fail(Errno::Perm);
  FB_ASSIGN(const auto point, vfs::resolve(place, request.target, true));
  if ((request.flags & kRefused) != 0) return fail(Errno::Invalid);
  if (!point->is_directory()) return fail(Errno::NotDirectory);
  FB_ASSIGN(auto source, vfs::String::make(request.source));
  FB_ASSIGN(const auto system, make(request));
  ++next_device_;
  return parts_.mounts.mount(point, system,
                             {.source = std::move(source), .flags = request.flags & vfs::mounting::kShown});
}

Answer<> Mounter::unmount(const vfs::Place& place, std::string_view target, std::uint32_t flags) {
  if ((flags & ~kUnmountFlags) != 0) return fail(Errno::Invalid);
  if (!place.who.root()) return fail(Errno::Perm);
  if ((flags & kUnmountExpire) != 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto root, vfs::resolve(place, target, (flags & kUnmountNoFollow) == 0));
  FB_TRY(parts_.mounts.unmount(*root));
  return {};
}

Answer<> Mounter::mount_all(const vfs::Place& place) {
  constexpr std::uint64_t kUsual = vfs::mounting::kNoSetId | vfs::mounting::kNoDevices;
  for (const Request& request : {Request{"proc", "/proc", "proc", "", kUsual | vfs::mounting::kNoExecute},
                                 {"sysfs", "/sys", "sysfs", "", kUsual | vfs::mounting::kNoExecute},
                                 {"dev", "/dev", "tmpfs", "mode=0755", vfs::mounting::kNoSetId},
                                 {"shm", "/dev/shm", "tmpfs", "mode=1777", kUsual},
                                 {"tmp", "/tmp", "tmpfs", "mode=1777", kUsual},
                                 {"run", "/run", "tmpfs", "mode=0755", kUsual}}) {
    FB_TRY(make_directory(place, request.target));
    FB_TRY(mount(place, request));
    if (request.target != "/dev") continue;
    FB_ASSIGN(const auto dev, vfs::resolve(place, request.target, true));
    FB_TRY(populate_dev({.root = place.root, .directory = dev, .who = place.who, .mounts = place.mounts}));
  }
  return {};
}

}  // namespace fb::libos::posix::procfs

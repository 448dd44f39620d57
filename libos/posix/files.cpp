#include "libos/posix/files.hpp"

#include <algorithm>

#include "libos/posix/vfs/cpio.hpp"
#include "libos/posix/vfs/operations.hpp"

namespace fb::libos::posix {
namespace {

constexpr std::uint64_t kDevice = 1;
constexpr std::string_view kRoot = "posix-root.cpio", kAdded = "posix-add.cpio", kBin = "bin/";

struct Node {
  const char* path;
  std::uint32_t permissions;
};
constexpr Node kDirectories[]{{"/bin", 0755}, {"/etc", 0755}, {"/home", 0755}, {"/root", 0700}};

Answer<Ref<vfs::Tmpfs>> files_of(const FilesFrom& from, std::string_view name) {
  from.fault = {.archive = name, .entry = {}};
  const auto found = from.archive.find(name);
  if (!found) return fail(Errno::NoEntry);
  return vfs::tmpfs_from_cpio(from.frames, from.clock, kDevice, found->bytes(), {}, &from.fault.entry);
}

/// Where it is not there yet.
Answer<> need_node(const vfs::Place& place, const char* path, std::uint32_t mode) {
  const auto made = vfs::make_node(place, path, mode);
  if (!made && made.error() != Errno::Exists) return fail(made.error());
  return {};
}

Answer<> add_program(const vfs::Place& place, std::string_view name, std::span<const std::byte> bytes) {
  FB_ASSIGN(const auto directory, vfs::resolve(place, "/bin", true));
  static_cast<void>(directory->unlink(name));  // it comes before one of the archive of files
  FB_ASSIGN(const auto inode, directory->create(name, {.mode = vfs::mode::kRegular | 0755}));
  vfs::BytesInput in(bytes);
  FB_TRY(inode->write(0, in, bytes.size()));
  return {};
}

vfs::Place place_of(const FilesFrom& from, vfs::Tmpfs& files) {
  const auto root = files.root();
  return {.root = root, .directory = root, .who = {}, .mounts = from.mounts};
}

/// The first name of a list.
std::string_view take_name(std::string_view& names) {
  const std::size_t size = std::min(names.find(','), names.size());
  const std::string_view name(names.data(), size);
  names.remove_prefix(std::min(size + 1, names.size()));
  return name;
}

Answer<Ref<vfs::Tmpfs>> named_files(const FilesFrom& from, std::string_view names) {
  FB_ASSIGN(auto files, files_of(from, take_name(names)));
  while (!names.empty()) {
    const auto name = take_name(names);
    from.fault = {.archive = name, .entry = {}};
    const auto found = from.archive.find(name);
    if (!found) return fail(Errno::NoEntry);
    FB_TRY(vfs::overlay_cpio(place_of(from, *files), found->bytes(), &from.fault.entry));
  }
  return files;
}

Answer<Ref<vfs::Tmpfs>> usual_files(const FilesFrom& from) {
  if (from.archive.find(kRoot)) return files_of(from, kRoot);
  return vfs::Tmpfs::make(from.frames, from.clock, kDevice);
}

Answer<> add_programs(const FilesFrom& from, const vfs::Place& place) {
  for (const auto& entry : from.archive.entries()) {
    auto name = entry.name;
    if (!entry.regular() || !name.starts_with(kBin)) continue;
    from.fault = {.archive = entry.name, .entry = {}};
    name.remove_prefix(kBin.size());
    FB_TRY(add_program(place, name, entry.bytes()));
  }
  return {};
}

}  // namespace

Answer<Ref<vfs::Tmpfs>> root_files(const FilesFrom& from, std::string_view names) {
  FB_ASSIGN(auto files, names.empty() ? usual_files(from) : named_files(from, names));
  const auto place = place_of(from, *files);
  for (const auto& [path, permissions] : kDirectories)
    FB_TRY(need_node(place, path, vfs::mode::kDirectory | permissions));
  if (names.empty()) FB_TRY(add_programs(from, place));
  return files;
}

Answer<> add_files(const vfs::Place& place, const rt::BootArchive& archive, FileFault& fault) {
  fault = {.archive = kAdded, .entry = {}};
  const auto added = archive.find(kAdded);
  return added ? vfs::overlay_cpio(place, added->bytes(), &fault.entry) : Answer<>();
}

}  // namespace fb::libos::posix

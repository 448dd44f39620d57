#include "libos/posix/files.hpp"

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

Answer<Ref<vfs::Tmpfs>> first_files(Frames& frames, vfs::Clock& clock, const rt::BootArchive& archive) {
  const auto root = archive.find(kRoot);
  if (!root) return vfs::Tmpfs::make(frames, clock, kDevice);
  return vfs::tmpfs_from_cpio(frames, clock, kDevice, root->bytes(), {});
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

}  // namespace

Answer<Ref<vfs::Tmpfs>> root_files(Frames& frames, vfs::Clock& clock, const vfs::Mounts& mounts,
                                   const rt::BootArchive& archive) {
  FB_ASSIGN(auto files, first_files(frames, clock, archive));
  const auto root = files->root();
  const vfs::Place place{.root = root, .directory = root, .who = {}, .mounts = mounts};
  for (const auto& [path, permissions] : kDirectories)
    FB_TRY(need_node(place, path, vfs::mode::kDirectory | permissions));
  for (const auto& entry : archive.entries()) {
    auto name = entry.name;
    if (!entry.regular() || !name.starts_with(kBin)) continue;
    name.remove_prefix(kBin.size());
    FB_TRY(add_program(place, name, entry.bytes()));
  }
  return files;
}

Answer<> add_files(const vfs::Place& place, const rt::BootArchive& archive) {
  const auto added = archive.find(kAdded);
  return added ? vfs::overlay_cpio(place, added->bytes()) : Answer<>();
}

}  // namespace fb::libos::posix

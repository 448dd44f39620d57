#include "libos/posix/files.hpp"

#include "libos/posix/tty/terminal_devices.hpp"
#include "libos/posix/vfs/cpio.hpp"
#include "libos/posix/vfs/devices.hpp"
#include "libos/posix/vfs/operations.hpp"

namespace fb::libos::posix {
namespace {

constexpr std::uint64_t kDevice = 1;
constexpr std::string_view kRoot = "posix-root.cpio", kAdded = "posix-add.cpio", kBin = "bin/";

struct Node {
  const char* path;
  std::uint32_t permissions;
};
constexpr Node kDirectories[]{{"/bin", 0755},  {"/dev", 0755},  {"/etc", 0755},
                              {"/home", 0755}, {"/proc", 0555}, {"/root", 0700},
                              {"/run", 0755},  {"/sys", 0555},  {"/tmp", 01777}};

struct Link {
  const char *path, *target;
};
constexpr Link kDeviceLinks[]{{"/dev/fd", "/proc/self/fd"},
                              {"/dev/stdin", "/proc/self/fd/0"},
                              {"/dev/stdout", "/proc/self/fd/1"},
                              {"/dev/stderr", "/proc/self/fd/2"}};

struct TerminalNode {
  const char* path;
  std::uint32_t major, minor;
};
constexpr TerminalNode kTerminals[]{{"/dev/tty", tty::kTerminalsMajor, tty::kOwnMinor},
                                    {"/dev/console", tty::kTerminalsMajor, tty::kConsoleMinor},
                                    {"/dev/ptmx", tty::kTerminalsMajor, tty::kPtmxMinor},
                                    {"/dev/ttyS0", tty::kSerialMajor, tty::kSerialMinor}};

Answer<Ref<vfs::Tmpfs>> first_files(Frames& frames, vfs::Clock& clock, const rt::BootArchive& archive) {
  const auto root = archive.find(kRoot);
  if (!root) return vfs::Tmpfs::make(frames, clock, kDevice);
  return vfs::tmpfs_from_cpio(frames, clock, kDevice, root->bytes(), {});
}

/// Where it is not there yet.
Answer<> need_node(const vfs::Place& place, const char* path, std::uint32_t mode, std::uint64_t device = 0) {
  const auto made = vfs::make_node(place, path, mode, device);
  if (!made && made.error() != Errno::Exists) return fail(made.error());
  return {};
}

Answer<> add_devices(const vfs::Place& place) {
  struct Device {
    const char* path;
    vfs::MemoryDevice device;
  };
  for (const auto& [path, device] :
       {Device{"/dev/null", vfs::MemoryDevice::Null}, Device{"/dev/zero", vfs::MemoryDevice::Zero},
        Device{"/dev/full", vfs::MemoryDevice::Full}, Device{"/dev/random", vfs::MemoryDevice::Random},
        Device{"/dev/urandom", vfs::MemoryDevice::UnlimitedRandom}}) {
    FB_TRY(need_node(place, path, vfs::mode::kCharacter | 0666,
                     vfs::make_device(vfs::MemoryDevices::kMajor, static_cast<std::uint32_t>(device))));
  }
  for (const auto* folder : {"/dev/pts", "/dev/shm"})
    FB_TRY(need_node(place, folder, vfs::mode::kDirectory | 01777));
  for (const auto& [path, major, minor] : kTerminals)
    FB_TRY(need_node(place, path, vfs::mode::kCharacter | 0666, vfs::make_device(major, minor)));
  for (const auto& [path, target] : kDeviceLinks) {
    const auto made = vfs::make_symlink(place, path, target);
    if (!made && made.error() != Errno::Exists) return fail(made.error());
  }
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
  FB_TRY(add_devices(place));
  for (const auto& entry : archive.entries()) {
    auto name = entry.name;
    if (!entry.regular() || !name.starts_with(kBin)) continue;
    name.remove_prefix(kBin.size());
    FB_TRY(add_program(place, name, entry.bytes()));
  }
  if (const auto added = archive.find(kAdded)) FB_TRY(vfs::overlay_cpio(place, added->bytes()));
  return files;
}

}  // namespace fb::libos::posix

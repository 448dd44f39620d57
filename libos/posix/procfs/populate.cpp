// What /dev begins with.
#include "libos/posix/procfs/mounter.hpp"
#include "libos/posix/vfs/devices.hpp"
#include "libos/posix/vfs/operations.hpp"

namespace fb::libos::posix::procfs {
namespace {

struct Device {
  std::string_view name;
  std::uint32_t permissions, major, minor;
};
constexpr std::uint32_t kMemory = vfs::MemoryDevices::kMajor, kTerminal = 5, kSerial = 4;
constexpr std::array kDevices{Device{"null", 0666, kMemory, 3},      Device{"zero", 0666, kMemory, 5},
                              Device{"full", 0666, kMemory, 7},      Device{"random", 0666, kMemory, 8},
                              Device{"urandom", 0666, kMemory, 9},   Device{"tty", 0666, kTerminal, 0},
                              Device{"console", 0600, kTerminal, 1}, Device{"ptmx", 0666, kTerminal, 2},
                              Device{"ttyS0", 0666, kSerial, 64}};

struct Link {
  std::string_view name, target;
};
constexpr std::array kLinks{Link{"fd", "/proc/self/fd"}, Link{"stdin", "/proc/self/fd/0"},
                            Link{"stdout", "/proc/self/fd/1"}, Link{"stderr", "/proc/self/fd/2"}};

template <class T>
Answer<> unless_there(const Answer<T>& made) {
  return made || made.error() == Errno::Exists ? Answer<>() : Answer<>(fail(made.error()));
}

}  // namespace

Answer<> populate_dev(const vfs::Place& place) {
  for (const Device& device : kDevices) {
    FB_TRY(unless_there(vfs::make_node(place, device.name, vfs::mode::kCharacter | device.permissions,
                                       vfs::make_device(device.major, device.minor))));
  }
  for (const std::string_view name : {"pts", "shm"}) {
    FB_TRY(unless_there(vfs::make_node(place, name, vfs::mode::kDirectory | 0755)));
  }
  for (const Link& link : kLinks) {
    FB_TRY(unless_there(vfs::make_symlink(place, link.name, link.target)));
  }
  return {};
}

}  // namespace fb::libos::posix::procfs

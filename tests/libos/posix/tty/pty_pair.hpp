// A pseudo-terminal of ours, by way of the devices.
#pragma once

#include "libos/posix/tty/terminal_devices.hpp"
#include "tests/libos/posix/tty/jobs.hpp"
#include "tests/libos/posix/vfs/ioctl.hpp"

namespace fb::libos::posix::tty::test {

constexpr std::uint32_t number(Request request) { return static_cast<std::uint32_t>(request); }

class NoDevices final : public vfs::Devices {
 public:
  Answer<Ref<vfs::File>> open(const Ref<vfs::Inode>&, std::uint32_t) override {
    return fail(Errno::NoDeviceOrAddress);
  }
};

class StillClock final : public vfs::Clock {
 public:
  core::Nanoseconds now() override { return core::Nanoseconds(7); }
};

/// /dev/ptmx and /dev/pts.
struct PtyDevices {
  explicit PtyDevices(std::uint32_t most = Devpts::kMost)
      : devpts(Devpts::make(jobs, clock, 9, most).value()), devices(jobs, others), root(devpts->root()) {
    devices.set_pseudo_terminals(devpts);
  }
  PtyDevices(const PtyDevices&) = delete;
  PtyDevices& operator=(const PtyDevices&) = delete;
  ~PtyDevices() { jobs.terminals.clear(); }
  Answer<Ref<vfs::File>> open(std::string_view name, std::uint32_t flags = 0) {
    FB_ASSIGN(const auto inode, root->lookup(name));
    return devices.open(inode, flags | vfs::flag::kReadWrite);
  }
  Answer<Ref<vfs::File>> open_unlocked(std::uint32_t flags = 0) {
    FB_ASSIGN(const auto master, open("ptmx", flags));
    FB_TRY(vfs::test::told(*master, number(Request::SetLock), 0));
    return master;
  }

  Jobs jobs;
  StillClock clock;
  NoDevices others;
  Ref<Devpts> devpts;
  TerminalDevices devices;
  Ref<vfs::Inode> root;
};

}  // namespace fb::libos::posix::tty::test

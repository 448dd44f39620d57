#include "libos/posix/tty/terminal_devices.hpp"

namespace fb::libos::posix::tty {
namespace {

constexpr std::uint64_t kSerial = vfs::make_device(kSerialMajor, kSerialMinor),
                        kOwn = vfs::make_device(kTerminalsMajor, kOwnMinor),
                        kConsole = vfs::make_device(kTerminalsMajor, kConsoleMinor),
                        kPtmx = vfs::make_device(kTerminalsMajor, kPtmxMinor);

}  // namespace

Answer<Ref<vfs::File>> TerminalDevices::open(const Ref<vfs::Inode>& inode, std::uint32_t flags) {
  const auto device = inode->attributes().rdev;
  const auto open_one = [&](const Ref<Terminal>& terminal, TerminalFile::As as) -> Answer<Ref<vfs::File>> {
    if (!terminal) return fail(Errno::NoDeviceOrAddress);
    return TerminalFile::open(terminal, inode, flags, jobs_, as);
  };
  if (device == kOwn) return open_one(jobs_.terminal(), TerminalFile::As::Terminal);
  if (device == kConsole) return open_one(console_, TerminalFile::As::Console);
  if (device == kSerial) return open_one(console_, TerminalFile::As::Terminal);
  if (device == kPtmx && devpts_) return devpts_->open_master(inode, flags);
  constexpr auto kSlaves = vfs::make_device(Pty::kSlaveMajor, 0);
  constexpr std::uint64_t kMajorBits = vfs::make_device(0xfff, 0);
  if ((device & kMajorBits) != kSlaves) return others_.open(inode, flags);
  // A node of that number elsewhere, or of one that has ended, leads nowhere.
  if (!inode->attachment()) return fail(Errno::Io);
  return open_one(Ref<Terminal>(static_cast<Pty&>(*inode->attachment())), TerminalFile::As::Terminal);
}

}  // namespace fb::libos::posix::tty

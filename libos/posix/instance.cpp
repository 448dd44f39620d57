#include "libos/posix/instance.hpp"

#include <algorithm>

#include "core/text/write.hpp"
#include "libos/posix/console_file.hpp"
#include "libos/posix/machine/kernel_error.hpp"
#include "libos/posix/signal/frame.hpp"
#include "libos/posix/task/fibre_waiter.hpp"
#include "libos/posix/vfs/operations.hpp"

namespace fb::libos::posix {
namespace {

constexpr std::uint64_t kDevice = 1;
constexpr std::array<std::string_view, 4> kEnvironment{"PATH=/bin:/usr/bin:/sbin:/usr/sbin", "HOME=/",
                                                       "TERM=linux", "USER=root"};
// What busybox is known by; more of it is there as `busybox NAME`.
constexpr std::array kApplets{
    "/bin/ash",    "/bin/awk",  "/bin/cat",   "/bin/chmod", "/bin/cp",    "/bin/cut",    "/bin/date",
    "/bin/dd",     "/bin/echo", "/bin/env",   "/bin/expr",  "/bin/false", "/bin/find",   "/bin/grep",
    "/bin/gunzip", "/bin/gzip", "/bin/head",  "/bin/ln",    "/bin/ls",    "/bin/md5sum", "/bin/mkdir",
    "/bin/mv",     "/bin/rm",   "/bin/rmdir", "/bin/sed",   "/bin/seq",   "/bin/sh",     "/bin/sort",
    "/bin/tail",   "/bin/test", "/bin/tr",    "/bin/true",  "/bin/uniq",  "/bin/wc"};

/// Tells the context that waits for events that there is nothing more to wait for.
class FinalSignal final : public vfs::Sleeper {
 public:
  static constexpr abi::EventBits kBits{std::uint64_t{1} << rt::kFirstOwnBit};

 private:
  void wake() override { static_cast<void>(abi::calls::event_deliver(rt::environment().event, kBits)); }
};

}  // namespace

core::Nanoseconds SystemClock::now() {
  return core::Nanoseconds(abi::calls::get_system_time(abi::Clock::Realtime).value_or(0));
}

Answer<> Instance::prepare_files(const rt::BootArchive& archive) {
  FB_ASSIGN(files_, vfs::Tmpfs::make(frames_, clock_, kDevice));
  const auto root = files_->root();
  const vfs::Place place{.root = root, .directory = root, .who = {}, .mounts = mounts_};
  for (const auto* name : {"/bin", "/dev", "/tmp", "/proc", "/etc"})
    FB_TRY(vfs::make_node(place, name, vfs::mode::kDirectory | 0755));
  struct Node {
    const char* path;
    vfs::MemoryDevice device;
  };
  for (const auto& [path, device] :
       {Node{"/dev/null", vfs::MemoryDevice::Null}, Node{"/dev/zero", vfs::MemoryDevice::Zero},
        Node{"/dev/full", vfs::MemoryDevice::Full},
        Node{"/dev/urandom", vfs::MemoryDevice::UnlimitedRandom}}) {
    FB_TRY(vfs::make_node(place, path, vfs::mode::kCharacter | 0666,
                          vfs::make_device(vfs::MemoryDevices::kMajor, static_cast<std::uint32_t>(device))));
  }
  constexpr std::string_view kBin = "bin/";
  for (const auto& entry : archive.entries()) {
    auto name = entry.name;
    if (!entry.regular() || !name.starts_with(kBin)) continue;
    name.remove_prefix(kBin.size());
    FB_TRY(add_file(name, entry.bytes()));
  }
  if (!archive.find("bin/busybox")) return {};
  for (const auto* applet : kApplets) FB_TRY(vfs::make_symlink(place, applet, "busybox"));
  return {};
}

Answer<> Instance::add_file(std::string_view name, std::span<const std::byte> bytes) {
  FB_ASSIGN(const auto directory, files_->root()->lookup("bin"));
  FB_ASSIGN(const auto inode, directory->create(name, {.mode = vfs::mode::kRegular | 0755}));
  vfs::BytesInput in(bytes);
  FB_TRY(inode->write(0, in, bytes.size()));
  return {};
}

Answer<> Instance::give_descriptors(task::Process& process) {
  FB_ASSIGN(const auto console, make_shared<ConsoleFile>(console_, vfs::flag::kReadWrite));
  for (int i = 0; i < 3; ++i) FB_TRY(process.descriptors.add(console, false));
  return {};
}

Answer<int> Instance::run(std::span<const std::string_view> arguments) {
  FB_TRY(vector_.open(core::ByteCount(signal::kMarkBytes)));
  FB_ASSIGN(task::Process* const process, processes_.make(system_, task::kInit, files_->root()));
  processes_.first = process->pid;
  FB_ASSIGN(task::Thread* const thread, process->open());
  FB_TRY(give_descriptors(*process));
  std::array<char, 256> path{};
  std::string_view program = arguments[0];
  if (program.find('/') == std::string_view::npos) {
    constexpr std::string_view kBin = "/bin/";
    if (program.size() > path.size() - kBin.size()) return fail(Errno::NameTooLong);
    std::ranges::copy(program, std::ranges::copy(kBin, path.data()).out);
    program = {path.data(), kBin.size() + program.size()};
  }
  task::FibreWaiter waiter(fibres_);
  FB_TRY(process->execute(*thread, program,
                          {.arguments = arguments, .environment = kEnvironment, .path = program}, waiter));
  FB_TRY(runner_.start(*thread));
  FinalSignal over;
  processes_.first_ended.add(over);
  FB_TRY(machine::answer_of(team_.start()));
  team_.serve(FinalSignal::kBits);
  return processes_.first_end->shell_status();
}

}  // namespace fb::libos::posix

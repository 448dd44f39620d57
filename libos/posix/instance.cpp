#include "libos/posix/instance.hpp"

#include <algorithm>

#include "core/text/write.hpp"
#include "libos/posix/call/call.hpp"
#include "libos/posix/console_file.hpp"
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
enum Signal : int { kIllegal = 4, kTrap = 5, kBus = 7, kArithmetic = 8, kKill = 9, kSegment = 11 };
enum Vector : std::uint64_t {
  kDivide = 0,
  kDebug = 1,
  kBreakpoint = 3,
  kOverflow = 4,
  kInvalidOpcode = 6,
  kPageFault = 14,
  kX87 = 16,
  kSimd = 19
};

/// What Linux sends for an exception that is no page fault.
int signal_of(std::uint64_t vector) {
  switch (vector) {
    case kDivide:
    case kX87:
    case kSimd:
      return kArithmetic;
    case kDebug:
    case kBreakpoint:
      return kTrap;
    case kInvalidOpcode:
      return kIllegal;
    default:
      return kSegment;
  }
}

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
  FB_ASSIGN(task::Process* const process, processes_.make(system_, task::Pid(0), files_->root()));
  FB_TRY(process->open());
  FB_TRY(give_descriptors(*process));
  std::array<char, 256> path{};
  std::string_view program = arguments[0];
  if (program.find('/') == std::string_view::npos) {
    constexpr std::string_view kBin = "/bin/";
    if (program.size() > path.size() - kBin.size()) return fail(Errno::NameTooLong);
    std::ranges::copy(program, std::ranges::copy(kBin, path.data()).out);
    program = {path.data(), kBin.size() + program.size()};
  }
  FB_TRY(process->execute(program, {.arguments = arguments, .environment = kEnvironment, .path = program}));
  run_to_end(*process);
  return process->ended->shell_status();
}

Answer<> Instance::start(task::Process& process) {
  const auto fibre = fibres_.spawn(
      [](void* argument) {
        auto& child = *static_cast<task::Process*>(argument);
        static_cast<Instance&>(child.system.starter).run_to_end(child);
        if (child.parent == task::Pid(0)) child.system.processes.remove(child);
      },
      &process, true);
  if (!fibre) return fail(Errno::NoMemory);
  return {};
}

void Instance::run_to_end(task::Process& process) {
  while (!process.ended) {
    if (!run_once(process)) process.ended = task::End::killed(kKill);
  }
  process.finish();
}

/// False: it cannot go on.
bool Instance::run_once(task::Process& process) {
  constexpr core::Nanoseconds kTurn{1'000'000};
  if (!queue_.flush()) return false;  // what it needs cannot be mapped: no memory
  const auto deadline = processes_.count() > 1 ? rt::now() + kTurn : abi::kNever;
  const auto stop = process.context().run(deadline);
  if (!stop) return false;
  switch (*stop) {
    case abi::Stop::Syscall:
      serve_call(process);
      break;
    case abi::Stop::Fault:
      serve_fault(process);
      break;
    default:
      fibres_.yield();
  }
  return true;
}

void Instance::serve_call(task::Process& process) {
  auto& frame = process.context().frame();
  call::Call call{.process = process,
                  .number = frame.rax,
                  .arguments = {frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9}};
  const auto result = call::serve(call);
  // Where it has become another program, its registers are that one's.
  if (frame.stop == static_cast<std::uint64_t>(abi::Stop::Syscall)) frame.rax = result;
}

void Instance::serve_fault(task::Process& process) {
  const auto& frame = process.context().frame();
  int signal = 0;
  if (frame.vector == kPageFault) {
    constexpr std::uint64_t kWrite = 2, kFetch = 16;
    const auto touch = (frame.error_code & kFetch) != 0   ? mm::Touch::Execute
                       : (frame.error_code & kWrite) != 0 ? mm::Touch::Write
                                                          : mm::Touch::Read;
    const auto result = process.memory().fault(core::VirtAddr(frame.address), touch);
    if (result && *result == mm::FaultResult::Handled) return;
    signal = !result ? kKill : *result == mm::FaultResult::Bus ? kBus : kSegment;
  } else {
    signal = signal_of(frame.vector);
  }
  process.ended = task::End::killed(signal);
}

}  // namespace fb::libos::posix

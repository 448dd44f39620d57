// Waiting for children (wait(2); C4.02).
#include <limits>

#include "libos/posix/call/handlers.hpp"
#include "libos/posix/signal/abi.hpp"
#include "libos/posix/task/pid_file.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

enum Option : std::uint32_t {
  kNoHang = 1,
  kStopped = 2,
  kExited = 4,
  kContinued = 8,
  kNoReap = 0x0100'0000,
  kNoThread = 0x2000'0000,
  kAllChildren = 0x4000'0000,
  kCloneChildren = 0x8000'0000,
};
constexpr std::uint32_t kEveryKind = kNoThread | kAllChildren | kCloneChildren;

/// Which children are meant.
struct Wanted {
  enum class Kind : std::uint8_t { Any, Process, Group } kind;
  task::Pid number{};
  [[nodiscard]] bool means(const task::Process& child) const {
    return kind == Kind::Any || (kind == Kind::Process ? child.pid : child.group) == number;
  }
};

/// What is to be told of a child, as siginfo has it and as wait4's status.
struct Report {
  task::Pid pid;
  std::int32_t code, value, status;
  std::uint32_t uid;
};

std::optional<Report> report_of(const task::Process& child, std::uint32_t options) {
  constexpr std::int32_t kStoppedMark = 0x7f, kContinuedStatus = 0xffff;
  Report report{.pid = child.pid, .code = 0, .value = 0, .status = 0, .uid = child.credentials.user.real};
  if (child.finished && (options & kExited) != 0) {
    report.code = child.ended->by_signal() ? signal::code::kChildKilled : signal::code::kChildExited;
    report.value = child.ended->value();
    report.status = child.ended->wait_status();
    return report;
  }
  if (child.change == task::Change::Stopped && (options & kStopped) != 0) {
    report.code = signal::code::kChildStopped;
    report.value = static_cast<std::int32_t>(child.stop_signal);
    report.status = report.value << 8 | kStoppedMark;
    return report;
  }
  if (child.change == task::Change::Continued && (options & kContinued) != 0) {
    report.code = signal::code::kChildContinued;
    report.value = static_cast<std::int32_t>(signal::Signal::Continue);
    report.status = kContinuedStatus;
    return report;
  }
  return std::nullopt;
}

/// One look at the children. Errors: NoChild.
Answer<std::optional<Report>> look(Call& call, const Wanted& wanted, std::uint32_t options) {
  bool some = false;
  auto& process = call.process;
  for (const auto& child : process.system.processes.all()) {
    if (child->parent != process.pid || !wanted.means(*child)) continue;
    some = true;
    const auto report = report_of(*child, options);
    if (!report) continue;
    if ((options & kNoReap) == 0) {
      child->change = task::Change::None;
      if (child->finished) {
        process.children_ticks += child->ticks() + child->children_ticks;
        process.system.processes.remove(*child);
      }
    }
    return report;
  }
  if (!some) return fail(Errno::NoChild);
  return std::nullopt;
}

/// Errors: NoChild, Restart.
Answer<std::optional<Report>> wait_for(Call& call, const Wanted& wanted, std::uint32_t options) {
  auto waiter = call.waiter();
  for (;;) {
    FB_ASSIGN(const auto report, look(call, wanted, options));
    if (report || (options & kNoHang) != 0) return report;
    FB_TRY(waiter.wait(call.process.child_changed));
  }
}

/// The process of a descriptor, and whether nobody may wait for it. Errors: Invalid, BadDescriptor, NoChild.
Answer<Wanted> followed(const Call& call, std::int32_t descriptor, bool& no_wait) {
  if (descriptor < 0) return fail(Errno::Invalid);
  FB_ASSIGN(const auto file, call.process.descriptors.get(descriptor));
  const auto* const its = vfs::file_as<task::PidFile>(*file);
  if (its == nullptr) return fail(Errno::BadDescriptor);
  if (its->process() == nullptr) return fail(Errno::NoChild);
  no_wait = !file->blocks();
  return Wanted{.kind = Wanted::Kind::Process, .number = its->process()->pid};
}

/// struct rusage: times first, the rest is 0.
struct Usage {
  std::array<std::uint64_t, 18> words{};
};

}  // namespace

Done do_wait4(Call& call) {
  if ((call.word32(2) & ~(kNoHang | kStopped | kContinued | kEveryKind)) != 0) return fail(Errno::Invalid);
  const auto which = call.number32(0);
  if (which == std::numeric_limits<std::int32_t>::min()) return fail(Errno::NoProcess);
  Wanted wanted{.kind = Wanted::Kind::Any};
  if (which > 0) wanted = {.kind = Wanted::Kind::Process, .number = task::Pid(which)};
  if (which == 0) wanted = {.kind = Wanted::Kind::Group, .number = call.process.group};
  if (which < -1) wanted = {.kind = Wanted::Kind::Group, .number = task::Pid(-which)};
  FB_ASSIGN(const auto report, wait_for(call, wanted, call.word32(2) | kExited));
  if (!report) return 0;
  if (call.word(1) != 0) FB_TRY(call.put(call.address(1), report->status));
  if (call.word(3) != 0) FB_TRY(call.put(call.address(3), Usage{}));
  return static_cast<std::uint64_t>(report->pid.raw());
}

Done do_waitid(Call& call) {
  enum Type : std::uint32_t { kAll, kPid, kGroup, kPidFile };
  auto options = call.word32(3);
  constexpr std::uint32_t kEvents = kStopped | kExited | kContinued;
  if ((options & ~(kNoHang | kEvents | kNoReap | kEveryKind)) != 0 || (options & kEvents) == 0)
    return fail(Errno::Invalid);
  Wanted wanted{.kind = Wanted::Kind::Any};
  bool no_wait = false;
  const task::Pid number(call.number32(1));
  switch (call.word32(0)) {
    case kAll:
      break;
    case kPid:
      if (number.raw() <= 0) return fail(Errno::Invalid);
      wanted = {.kind = Wanted::Kind::Process, .number = number};
      break;
    case kGroup:
      if (number.raw() < 0) return fail(Errno::Invalid);
      wanted = {.kind = Wanted::Kind::Group, .number = number.raw() == 0 ? call.process.group : number};
      break;
    case kPidFile: {
      FB_ASSIGN(wanted, followed(call, number.raw(), no_wait));
      break;
    }
    default:
      return fail(Errno::Invalid);
  }
  no_wait = no_wait && (options & kNoHang) == 0;
  if (no_wait) options |= kNoHang;
  FB_ASSIGN(const auto report, wait_for(call, wanted, options));
  if (!report && no_wait) return fail(Errno::TryAgain);
  signal::Info info;
  if (report) {
    info = signal::Info::from(signal::Signal::Child, report->code, report->pid.raw(), report->uid,
                              static_cast<std::uint32_t>(report->value));
  }
  if (call.word(2) != 0) FB_TRY(call.put(call.address(2), info));
  if (call.word(4) != 0) FB_TRY(call.put(call.address(4), Usage{}));
  return 0;
}

}  // namespace fb::libos::posix::call

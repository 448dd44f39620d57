// What a process sets about itself (prctl(2), personality(2), capget(2)).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

constexpr std::uint64_t kNameBytes = 16;
constexpr std::uint32_t kLastCapability = 40;
constexpr std::uint64_t kAllCapabilities = (std::uint64_t{1} << (kLastCapability + 1)) - 1;

Done set_name(Call& call) {
  std::array<char, kNameBytes> name{};
  for (std::size_t i = 0; i + 1 < name.size(); ++i) {
    FB_ASSIGN(name[i], call.get<char>(call.address(1) + core::ByteCount(i)));
    if (name[i] == 0) break;
  }
  call.thread.name = name;
  return 0;
}

/// A flag that can only be set.
Done set_once(Call& call, bool& flag) {
  if (call.word(1) != 1 || call.word(2) != 0 || call.word(3) != 0 || call.word(4) != 0)
    return fail(Errno::Invalid);
  flag = true;
  return 0;
}

Done set_switch(Call& call, bool& flag) {
  if (call.word(1) > 1) return fail(Errno::Invalid);
  flag = call.word(1) != 0;
  return 0;
}

}  // namespace

Done do_prctl(Call& call) {
  enum Option : std::uint32_t {
    kSetDeathSignal = 1,
    kGetDeathSignal = 2,
    kGetDumpable = 3,
    kSetDumpable = 4,
    kGetKeepCapabilities = 7,
    kSetKeepCapabilities = 8,
    kSetName = 15,
    kGetName = 16,
    kGetSeccomp = 21,
    kReadBoundingSet = 23,
    kSetTimerSlack = 29,
    kGetTimerSlack = 30,
    kSetSubreaper = 36,
    kGetSubreaper = 37,
    kSetNoNewPrivileges = 38,
    kGetNoNewPrivileges = 39,
    kGetTidAddress = 40,
    kSetHugePages = 41,
    kGetHugePages = 42,
  };
  auto& control = call.process.control;
  switch (call.word32(0)) {
    case kSetDeathSignal:
      if (call.word(1) != 0 && !signal::signal_of(call.word(1))) return fail(Errno::Invalid);
      control.death_signal = call.word32(1);
      return 0;
    case kGetDeathSignal:
      FB_TRY(call.put(call.address(1), control.death_signal));
      return 0;
    case kGetDumpable:
      return control.dumpable ? 1 : 0;
    case kSetDumpable:
      return set_switch(call, control.dumpable);
    case kGetKeepCapabilities:
      return control.keep_capabilities ? 1 : 0;
    case kSetKeepCapabilities:
      return set_switch(call, control.keep_capabilities);
    case kSetName:
      return set_name(call);
    case kGetName:
      FB_TRY(call.put(call.address(1), call.thread.name));
      return 0;
    case kGetSeccomp:
      return 0;
    case kReadBoundingSet:
      if (call.word(1) > kLastCapability) return fail(Errno::Invalid);
      return 1;
    case kSetTimerSlack:
      control.timer_slack = call.word(1) == 0 ? task::Control{}.timer_slack : call.word(1);
      return 0;
    case kGetTimerSlack:
      return control.timer_slack;
    case kSetSubreaper:
      control.subreaper = call.word(1) != 0;
      return 0;
    case kGetSubreaper:
      FB_TRY(call.put(call.address(1), std::int32_t{control.subreaper}));
      return 0;
    case kSetNoNewPrivileges:
      return set_once(call, control.no_new_privileges);
    case kGetNoNewPrivileges:
      return control.no_new_privileges ? 1 : 0;
    case kGetTidAddress:
      FB_TRY(call.put(call.address(1), call.thread.clear_tid.raw()));
      return 0;
    case kSetHugePages:
      return set_switch(call, control.no_huge_pages);
    case kGetHugePages:
      return control.no_huge_pages ? 1 : 0;
    default:
      return fail(Errno::Invalid);
  }
}

/// There is one, that of Linux.
Done do_personality(Call& call) {
  constexpr std::uint32_t kAsk = 0xffff'ffff, kNoRandomization = 0x0004'0000;
  const auto wanted = call.word32(0);
  if (wanted != kAsk && (wanted & ~kNoRandomization) != 0) return fail(Errno::Invalid);
  return 0;
}

namespace {

struct CapabilityHeader {
  std::uint32_t version;
  std::int32_t pid;
};
constexpr std::uint32_t kCapabilities3 = 0x2008'0522, kCapabilities1 = 0x1998'0330,
                        kCapabilities2 = 0x2007'1026;

/// How many words of 32 bits each set has. Errors: Invalid for another version, after telling which there is; NoProcess.
Answer<std::uint32_t> capability_words(Call& call) {
  FB_ASSIGN(const auto header, call.get<CapabilityHeader>(call.address(0)));
  if (header.version != kCapabilities1 && header.version != kCapabilities2 &&
      header.version != kCapabilities3) {
    FB_TRY(call.put(call.address(0), kCapabilities3));
    return fail(Errno::Invalid);
  }
  if (header.pid < 0) return fail(Errno::Invalid);
  if (header.pid != 0 && call.process.system.processes.find(task::Pid(header.pid)) == nullptr)
    return fail(Errno::NoProcess);
  return header.version == kCapabilities1 ? 1 : 2;
}

}  // namespace

/// Root has them all, others none.
Done do_capget(Call& call) {
  const auto words = capability_words(call);
  if (!words) return words.error() == Errno::Invalid && call.word(1) == 0 ? Done(0) : fail(words.error());
  if (call.word(1) == 0) return 0;
  const auto all = call.process.credentials.user.effective == 0 ? kAllCapabilities : 0;
  for (std::uint32_t i = 0; i < *words; ++i) {
    const auto part = static_cast<std::uint32_t>(all >> 32 * i);
    constexpr std::uint64_t kBytes = 3 * sizeof(std::uint32_t);
    FB_TRY(
        call.put(call.address(1) + core::ByteCount(i * kBytes), std::array<std::uint32_t, 3>{part, part, 0}));
  }
  return 0;
}

/// What it has it may keep; to give some up is not supported: nothing distinguishes them here.
Done do_capset(Call& call) {
  FB_ASSIGN(const auto words, capability_words(call));
  for (std::uint32_t i = 0; i < words * 3; ++i)
    FB_TRY(call.get<std::uint32_t>(call.address(1) + core::ByteCount(i * sizeof(std::uint32_t))));
  if (call.process.credentials.user.effective != 0) return fail(Errno::Perm);
  return 0;
}

}  // namespace fb::libos::posix::call

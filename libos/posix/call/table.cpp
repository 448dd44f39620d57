// From the number of a call to what does it.
#include "core/text/buffer.hpp"
#include "core/text/write.hpp"
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/signals.hpp"

namespace fb::libos::posix::call {
namespace {

struct Row {
  std::string_view name;
  Handler handler = nullptr;
};

constexpr std::size_t kNumbers = task::UnknownCalls::kNumbers;

constexpr auto kTable = [] {
  std::array<Row, kNumbers> table{};
#define FB_LINUX_CALL(number, call) table[number] = {#call, &do_##call};
#include "libos/posix/call/calls.def"
#undef FB_LINUX_CALL
  return table;
}();

/// Those of Linux, whether or not they are ours.
constexpr auto kNames = [] {
  std::array<std::string_view, kNumbers> names{};
#define FB_LINUX_NAME(number, name) names[number] = #name;
#include "libos/posix/call/names.def"
#undef FB_LINUX_NAME
  return names;
}();

/// Says, once, what a program wanted and did not get.
[[gnu::cold, gnu::noinline]] void name_unknown(Call& call) {
  auto& system = call.process.system;
  if (system.log == nullptr || !system.unknown_calls.first(call.number)) return;
  const auto name = call.number < kNumbers ? kNames[call.number] : std::string_view();
  std::array<char, 160> room;
  const std::string_view program(call.thread.name.data());
  const auto line = core::text::format_to(room, "posix: ", program, ": call ", call.number, " (",
                                          name.empty() ? "unknown" : name, ") is not there\n");
  auto waiter = call.waiter();
  system.log->say(line, waiter);
}

}  // namespace

std::string_view name_of(std::uint64_t number) {
  return number < kNumbers ? kTable[number].name : std::string_view();
}

void Call::broken_pipe() const {
  static_cast<void>(task::send(thread, signal::Info::of(signal::Signal::Pipe, signal::code::kUser)));
}

bool serve_unlocked(task::Thread& thread) {
  enum Number : std::uint64_t {
    kGetPid = 39,
    kGetUid = 102,
    kGetGid = 104,
    kGetEffectiveUid = 107,
    kGetEffectiveGid = 108,
    kGetParent = 110,
    kGetTid = 186,
  };
  auto& frame = thread.context.frame();
  const auto& process = thread.process;
  switch (frame.rax) {
    case kGetPid:
      frame.rax = static_cast<std::uint64_t>(process.pid.raw());
      return true;
    case kGetTid:
      frame.rax = static_cast<std::uint64_t>(thread.tid.raw());
      return true;
    case kGetParent:
      frame.rax = static_cast<std::uint64_t>(process.parent.raw());
      return true;
    case kGetUid:
      frame.rax = process.credentials.user.real;
      return true;
    case kGetEffectiveUid:
      frame.rax = process.credentials.user.effective;
      return true;
    case kGetGid:
      frame.rax = process.credentials.group.real;
      return true;
    case kGetEffectiveGid:
      frame.rax = process.credentials.group.effective;
      return true;
    default:
      return false;
  }
}

std::uint64_t serve(Call& call) {
  if (call.number >= kNumbers || kTable[call.number].handler == nullptr) {
    name_unknown(call);
    return to_register(Errno::NoCall);
  }
  const auto done = kTable[call.number].handler(call);
  if (done) return *done;
  if (done.error() == Errno::Restart || done.error() == Errno::RestartNoHandler)
    call.thread.broken = task::Thread::Broken{.number = call.number, .how = done.error()};
  return to_register(done.error());
}

}  // namespace fb::libos::posix::call

// From the number of a call to what does it.
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/signals.hpp"

namespace fb::libos::posix::call {
namespace {

struct Row {
  std::string_view name;
  Handler handler = nullptr;
};

constexpr std::size_t kNumbers = 512;

constexpr auto kTable = [] {
  std::array<Row, kNumbers> table{};
#define FB_LINUX_CALL(number, call) table[number] = {#call, &do_##call};
#include "libos/posix/call/calls.def"
#undef FB_LINUX_CALL
  return table;
}();

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
  if (call.number >= kNumbers || kTable[call.number].handler == nullptr) return to_register(Errno::NoCall);
  const auto done = kTable[call.number].handler(call);
  if (done) return *done;
  if (done.error() == Errno::Restart || done.error() == Errno::RestartNoHandler)
    call.thread.broken = task::Thread::Broken{.number = call.number, .how = done.error()};
  return to_register(done.error());
}

}  // namespace fb::libos::posix::call

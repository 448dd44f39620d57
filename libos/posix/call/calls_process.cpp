// What a process is told of itself and of the system.
#include "libos/posix/call/handlers.hpp"

namespace fb::libos::posix::call {
Done do_getpid(Call& call) { return static_cast<std::uint64_t>(call.process.pid.raw()); }
Done do_gettid(Call& call) { return static_cast<std::uint64_t>(call.thread.tid.raw()); }
Done do_getppid(Call& call) { return static_cast<std::uint64_t>(call.process.parent.raw()); }

Done do_arch_prctl(Call& call) {
  enum Code : std::uint32_t { kSetGs = 0x1001, kSetFs, kGetFs, kGetGs };
  auto& frame = call.thread.context.frame();
  const auto base = call.word(1);
  switch (call.word32(0)) {
    case kSetFs:
    case kSetGs:
      if (base >= core::kUserEnd) return fail(Errno::Perm);
      (call.word32(0) == kSetFs ? frame.fs_base : frame.gs_base) = base;
      return 0;
    case kGetFs:
      FB_TRY(call.put(call.address(1), frame.fs_base));
      return 0;
    case kGetGs:
      FB_TRY(call.put(call.address(1), frame.gs_base));
      return 0;
    default:
      return fail(Errno::Invalid);
  }
}

Done do_getrandom(Call& call) {
  constexpr std::uint64_t kMost = 33'554'431;
  constexpr std::uint32_t kKnownFlags = 7;
  if ((call.word32(2) & ~kKnownFlags) != 0) return fail(Errno::Invalid);
  const auto count = std::min(call.word(1), kMost);
  ProgramOutput out(call.memory(), call.address(0));
  std::array<std::byte, 256> some;
  for (std::uint64_t done = 0; done < count; done += some.size()) {
    call.process.system.random.fill(some);
    FB_TRY(out.put(std::span(some).first(std::min<std::uint64_t>(some.size(), count - done))));
  }
  return count;
}

}  // namespace fb::libos::posix::call

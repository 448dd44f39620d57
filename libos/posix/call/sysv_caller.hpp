// Who calls System V's interprocess communication.
#pragma once

#include "libos/posix/call/handlers.hpp"
#include "libos/posix/sysv/ipc.hpp"

namespace fb::libos::posix::call {

inline sysv::Caller caller_of(Call& call) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return {.who = call.process.place().who,
          .pid = call.process.pid.raw(),
          .now = static_cast<std::int64_t>(call.process.system.clock.now().raw() / kSecond)};
}

}  // namespace fb::libos::posix::call

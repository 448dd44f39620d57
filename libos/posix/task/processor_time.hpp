// How long programs have run, in nanoseconds.
#pragma once

#include "abi/calls.hpp"
#include "core/types.hpp"

namespace fb::libos::posix::task {

/// 0 only if ring 0 does not know its clock's rate.
inline core::Nanoseconds processor_time(core::Ticks ticks) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto rate = abi::calls::machine_info(abi::Info::TicksPerSecond).value_or(0);
  if (rate == 0) return {};
  // The remainder apart: its product fits, whatever the sum.
  const auto seconds = ticks.raw() / rate, rest = ticks.raw() % rate;
  return core::Nanoseconds(seconds * kSecond + rest * kSecond / rate);
}

}  // namespace fb::libos::posix::task

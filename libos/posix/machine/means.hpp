// What this instance may use of the machine: its budget and its processors are all that its programs see.
#pragma once

#include <algorithm>
#include <bit>

#include "libos/rt/environment.hpp"

namespace fb::libos::posix::machine {

struct Memory {
  core::PageCount all, free;
};

/// Of the budget; free is what the budget leaves and the machine has. Others cannot take what is left: a budget is a
/// reservation.
inline Memory memory() {
  const std::uint64_t account = abi::calls::budget_query(rt::environment().budget).value_or(0);
  const std::uint64_t used = account & 0xffff'ffff, limit = account >> 32;
  const std::uint64_t there = abi::calls::machine_info(abi::Info::FreePages).value_or(0);
  return {core::PageCount(limit), core::PageCount(std::min(limit - std::min(used, limit), there))};
}

/// Processors that it has time on, as the machine counts them.
inline std::uint64_t processors() {
  const auto& e = rt::environment();
  std::uint64_t mask = 0;
  for (std::size_t cpu = 0; cpu != rt::kMaxCpus; ++cpu) mask |= std::uint64_t{e.slots[cpu] != 0} << cpu;
  return mask;
}

inline std::uint32_t processor_count() {
  return static_cast<std::uint32_t>(std::max(std::popcount(processors()), 1));
}

/// As programs count them: from 0 on without gaps.
inline std::uint32_t current_processor() {
  const std::uint64_t cpu = abi::calls::machine_info(abi::Info::CurrentCpu).value_or(0);
  return static_cast<std::uint32_t>(std::popcount(processors() & ((std::uint64_t{1} << cpu % 64) - 1)));
}

}  // namespace fb::libos::posix::machine

#include "tests/system/harness/slots.hpp"

#include <array>
#include <bit>

#include "libos/rt/start_info.hpp"

namespace fb::test {
namespace {

constinit std::array<std::uint64_t, libos::rt::kMaxCpus> taken{1};  // slot 0 of CPU 0: the supervisor

}  // namespace

std::uint32_t take_slot(core::CpuId cpu) {
  auto& mask = taken[cpu.raw()];
  const auto slot = static_cast<std::uint32_t>(std::countr_one(mask));
  if (slot == 64) __builtin_trap();
  mask |= std::uint64_t{1} << slot;
  return slot;
}

void give_slot(core::CpuId cpu, std::uint32_t slot) { taken[cpu.raw()] &= ~(std::uint64_t{1} << slot); }

}  // namespace fb::test

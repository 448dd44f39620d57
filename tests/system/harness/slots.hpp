// Which slice slots of the machine are free: 0 is the supervisor's on CPU 0.
#pragma once

#include "core/types.hpp"

namespace fb::test {

/// A free slot of `cpu`; traps when all 63 are taken. Test context only.
std::uint32_t take_slot(core::CpuId cpu);
void give_slot(core::CpuId cpu, std::uint32_t slot);

}  // namespace fb::test

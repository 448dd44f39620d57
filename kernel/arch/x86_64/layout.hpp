// Where things are in the kernel half of every address space.
#pragma once

#include <cstdint>

#include "core/mem/frame.hpp"
#include "core/types.hpp"

namespace fb::kernel::arch {

inline constexpr std::uint64_t kDirectMap = 0xffff'8000'0000'0000;  ///< all physical memory, never executable
inline constexpr std::uint64_t kStackRegion =
    0xffff'c000'0000'0000;  ///< per-CPU stacks between unmapped pages
inline constexpr std::uint64_t kDeviceRegion = 0xffff'd000'0000'0000;  ///< device registers, uncached
inline constexpr std::uint64_t kKernelBase = 0xffff'ffff'8000'0000;

inline constexpr std::uint64_t kLargePage = std::uint64_t{2} << 20;

/// The kernel's view of physical memory.
template <class T = void>
T* direct(core::PhysAddr address) {
  return reinterpret_cast<T*>(kDirectMap + address.raw());
}
inline core::PhysAddr direct_to_physical(const void* pointer) {
  return core::PhysAddr(reinterpret_cast<std::uint64_t>(pointer) - kDirectMap);
}
inline core::PhysAddr image_to_physical(const void* pointer) {
  return core::PhysAddr(reinterpret_cast<std::uint64_t>(pointer) - kKernelBase);
}

}  // namespace fb::kernel::arch

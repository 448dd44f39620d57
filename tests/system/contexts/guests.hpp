// The pieces of guests.S by name.
#pragma once

#include "tests/system/contexts/support/guest.hpp"

extern "C" const char guests_start[], guests_end[];

/// Byte offset of a piece in the guest's code.
#define GUEST(name)                                            \
  ([] {                                                        \
    std::uint64_t at;                                          \
    asm("movabsq $guest_" #name ", %0" : "=r"(at));            \
    return at - reinterpret_cast<std::uint64_t>(guests_start); \
  }())

namespace fb::test {

inline std::span<const std::byte> guest_code() { return code_between(guests_start, guests_end); }

// Vectors (Intel SDM 3A, 6.15).
inline constexpr std::uint64_t kDivideError = 0, kDebug = 1, kBreakpoint = 3, kInvalidOpcode = 6,
                               kStackFault = 12, kGeneralProtection = 13, kPageFault = 14, kAlignment = 17;

}  // namespace fb::test

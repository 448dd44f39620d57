// The devices the harness takes for itself: COM1 and the power switch (DESIGN §5; the platform list is the kernel's).
#pragma once

#include <string_view>

#include "abi/calls.hpp"

namespace fb::test {

using DeviceCap = abi::Cap<abi::ObjectType::Device>;

inline constexpr std::uint64_t kSerialDevice = 0, kPowerDevice = 2, kExitDevice = 3;

/// Takes both devices; only the first domain may.
void open_devices();
/// To COM1. From the supervisor only.
void print_line(std::string_view text);
/// Ends the machine; the emulator's status is 0 when `good`.
[[noreturn]] void power_off(bool good);

}  // namespace fb::test

// The devices that root holds, by their numbers in the kernel's platform list.
#pragma once

#include "libos/root/frame.hpp"
#include "libos/root/uart.hpp"
#include "libos/rt/machine.hpp"
#include "libos/rt/owned.hpp"

namespace fb::libos::root {

enum class DeviceNumber : std::uint64_t { Com1 = 0, Com2 = 1, Power = 2, DebugExit = 3 };

using OwnedDevice = rt::Owned<abi::ObjectType::Device>;
using DeviceCap = abi::Cap<abi::ObjectType::Device>;

/// Port access through a Device capability.
class DevicePorts {
 public:
  explicit DevicePorts(DeviceCap device) : device_(device) {}
  std::uint8_t read(unsigned offset) {
    return static_cast<std::uint8_t>(abi::calls::device_read(device_, offset, 1).value_or(0));
  }
  void write(unsigned offset, std::uint8_t value) {
    static_cast<void>(abi::calls::device_write(device_, offset, 1, value));
  }
  /// Lets others run meanwhile: whoever reads the line may be slow, and may be one of them.
  bool be_patient(unsigned turn) {
    constexpr core::Nanoseconds kLongest{5'000'000'000};
    if (turn == 0) began_ = rt::now();
    if (turn % 16 == 15) static_cast<void>(abi::calls::yield());
    return rt::now() - began_ < kLongest;
  }

 private:
  DeviceCap device_;
  core::Nanoseconds began_;
};

using SerialPort = Uart<DevicePorts>;

/// Ends the machine.
class Power {
 public:
  explicit Power(DeviceCap device) : device_(device) {}
  /// Returns only where there is no such device.
  void off() {
    constexpr std::uint64_t kSleepEnable = 0x2000;  // ACPI 4.8.3.2.1: PM1a control, SLP_EN, sleep type 0
    static_cast<void>(abi::calls::device_write(device_, 0, 2, kSleepEnable));
  }

 private:
  DeviceCap device_;
};

/// Obtains one. Errors: those of device_get_cap.
inline core::Result<OwnedDevice> obtain(DeviceNumber number) {
  return rt::own(abi::calls::device_get_cap(static_cast<std::uint64_t>(number)));
}

}  // namespace fb::libos::root

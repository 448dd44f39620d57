#include "bench/kernel/port.hpp"

namespace fb::bench {
namespace {

constexpr std::uint64_t kCom1 = 0, kPower = 2;
// 16550 registers (National Semiconductor PC16550D).
constexpr std::uint64_t kData = 0, kLineStatus = 5, kDataReady = 0x01, kTransmitterEmpty = 0x20;
// ACPI PM1a control: SLP_EN with SLP_TYP 0, which is soft-off in QEMU's tables.
constexpr std::uint64_t kSoftOff = 0x2000;

}  // namespace

std::uint64_t Port::open() {
  if (const auto status = exo_device_get_cap(kCom1, &com1_); status != EXO_OK) return status;
  return exo_device_get_cap(kPower, &power_);
}

void Port::put(std::string_view text) {
  for (const char c : text) {
    std::uint64_t line = 0;
    while (exo_device_read(com1_, kLineStatus, 1, &line) == EXO_OK && (line & kTransmitterEmpty) == 0) {
    }
    static_cast<void>(exo_device_write(com1_, kData, 1, static_cast<unsigned char>(c)));
  }
}

char Port::get() {
  std::uint64_t value = 0;
  while (exo_device_read(com1_, kLineStatus, 1, &value) == EXO_OK && (value & kDataReady) == 0) {
  }
  static_cast<void>(exo_device_read(com1_, kData, 1, &value));
  return static_cast<char>(value);
}

void Port::power_off() {
  static_cast<void>(exo_device_write(power_, 0, 2, kSoftOff));
  for (;;) static_cast<void>(exo_yield());
}

}  // namespace fb::bench

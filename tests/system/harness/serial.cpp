#include "tests/system/harness/serial.hpp"

namespace fb::test {
namespace {

// 16550: the transmitter takes a byte when bit 5 of the line status is set.
constexpr std::uint64_t kLineStatus = 5, kTransmitterEmpty = 0x20;
constexpr std::uint64_t kSoftOff = 0x2000;  // SLP_EN with SLP_TYP 0 (QEMU's S5)

constinit DeviceCap serial, power, exit_port;

void put(char c) {
  for (;;) {
    const auto status = abi::calls::device_read(serial, kLineStatus, 1);
    if (!status) return;
    if ((*status & kTransmitterEmpty) != 0) break;
    static_cast<void>(abi::calls::yield());
  }
  static_cast<void>(abi::calls::device_write(serial, 0, 1, static_cast<unsigned char>(c)));
}

}  // namespace

void open_devices() {
  serial = abi::calls::device_get_cap(kSerialDevice).value_or(DeviceCap{});
  power = abi::calls::device_get_cap(kPowerDevice).value_or(DeviceCap{});
  exit_port = abi::calls::device_get_cap(kExitDevice).value_or(DeviceCap{});
}

void print_line(std::string_view text) {
  for (const char c : text) put(c);
  put('\n');
}

void power_off(bool good) {
  if (!good) static_cast<void>(abi::calls::device_write(exit_port, 0, 1, 1));
  static_cast<void>(abi::calls::device_write(power, 0, 2, kSoftOff));
  for (;;) __builtin_trap();
}

}  // namespace fb::test

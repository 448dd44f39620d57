// The 16550 serial port, driven from ring 3 (PC16550D data sheet).
#pragma once

#include <optional>
#include <string_view>

#include "core/result.hpp"

namespace fb::libos::root {

/// Eight byte-wide registers; a read or write that is refused is a read of 0 or no write. be_patient() is asked each time
/// that the transmitter is full: false when that has lasted too long.
template <class P>
concept UartPorts = requires(P& ports, unsigned offset, std::uint8_t value, unsigned turn) {
  { ports.be_patient(turn) } -> std::same_as<bool>;
  { ports.read(offset) } -> std::same_as<std::uint8_t>;
  ports.write(offset, value);
};

/// 115,200 baud, eight bits, FIFOs on, an interrupt when bytes have come. Output is polled, 16 bytes at a time. A
/// core::text::Sink.
template <UartPorts Ports>
class Uart {
 public:
  explicit Uart(Ports ports) : ports_(ports) {}

  void initialise(bool input) {
    ports_.write(kInterruptEnable, 0);
    ports_.write(kLineControl, kDivisorLatch);
    ports_.write(kData, 1);
    ports_.write(kInterruptEnable, 0);
    ports_.write(kLineControl, kEightBits);
    ports_.write(kFifoControl, kFifoEnable);
    ports_.write(kModemControl, kReady);
    if (input) ports_.write(kInterruptEnable, kReceived);
  }

  std::optional<char> read() {
    // Reading the identification is part of the acknowledgement of some interrupts.
    static_cast<void>(ports_.read(kInterruptIdentification));
    if ((ports_.read(kLineStatus) & kDataReady) == 0) return std::nullopt;
    return static_cast<char>(ports_.read(kData));
  }

  void put(std::string_view text) {
    std::size_t room = 0;
    for (const char c : text) {
      for (unsigned turn = 0; room == 0; ++turn) {
        if ((ports_.read(kLineStatus) & kTransmitEmpty) != 0) {
          room = kFifoSize;
        } else if (!ports_.be_patient(turn)) {
          return;  // a port that hangs loses output, not its supervisor
        }
      }
      ports_.write(kData, static_cast<std::uint8_t>(c));
      --room;
    }
  }

 private:
  enum Register : unsigned {
    kData = 0,
    kInterruptEnable = 1,
    kInterruptIdentification = 2,  // read
    kFifoControl = 2,              // write
    kLineControl = 3,
    kModemControl = 4,
    kLineStatus = 5,
  };
  static constexpr std::uint8_t kDivisorLatch = 0x80, kEightBits = 0x03, kReady = 0x0b;
  // Without clearing: what was typed already stays. With a trigger level of 14, or else bytes come one at a time.
  static constexpr std::uint8_t kFifoEnable = 0xc1;
  static constexpr std::uint8_t kReceived = 0x01, kDataReady = 0x01, kTransmitEmpty = 0x20;
  static constexpr std::size_t kFifoSize = 16;

  Ports ports_;
};

}  // namespace fb::libos::root

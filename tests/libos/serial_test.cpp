#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "libos/root/frame.hpp"
#include "libos/root/uart.hpp"
#include "tests/libos/screen.hpp"

namespace fb::libos::root {
namespace {

/// A 16550 as far as the driver sees it: the transmitter takes 16 bytes, then is busy for a while.
struct Chip {
  std::deque<std::uint8_t> received;
  std::string sent;
  std::string trace;
  unsigned in_fifo{};
  unsigned busy{};
  bool stuck{};
  bool divisor_latch{};
};
struct ChipPorts {
  Chip* chip;
  std::uint8_t read(unsigned offset) {
    switch (offset) {
      case 0: {
        const std::uint8_t byte = chip->received.front();
        chip->received.pop_front();
        return byte;
      }
      case 5: {
        if (chip->busy == 1) chip->in_fifo = 0;
        if (chip->busy != 0) --chip->busy;
        const bool empty = !chip->stuck && chip->in_fifo == 0;
        return static_cast<std::uint8_t>((chip->received.empty() ? 0 : 1) | (empty ? 0x20 : 0));
      }
      default:
        return 0;
    }
  }
  static bool be_patient(unsigned turn) { return turn != 1000; }
  void write(unsigned offset, std::uint8_t value) {
    if (offset == 3) chip->divisor_latch = (value & 0x80) != 0;
    if (offset == 0 && !chip->divisor_latch) {
      ASSERT_LT(chip->in_fifo, 16u) << "overrun";
      ++chip->in_fifo;
      chip->busy = 3;
      chip->sent += static_cast<char>(value);
    }
    if (offset != 0) chip->trace += std::to_string(offset) + "=" + std::to_string(value) + " ";
  }
};

TEST(Uart, initialises_in_the_order_of_the_data_sheet_C1_03) {
  Chip chip;
  Uart<ChipPorts> uart(ChipPorts{&chip});
  uart.initialise(true);
  EXPECT_EQ(chip.trace, "1=0 3=128 1=0 3=3 2=193 4=11 1=1 ");
  EXPECT_EQ(chip.sent, "");
}

TEST(Uart, output_never_overruns_the_transmitter) {
  Chip chip;
  Uart<ChipPorts> uart(ChipPorts{&chip});
  std::string text;
  for (int i = 0; i != 1000; ++i) text += static_cast<char>('a' + i % 26);
  uart.put(text);
  EXPECT_EQ(chip.sent, text);
}

TEST(Uart, stuck_transmitter_loses_output_and_does_not_hang) {
  Chip chip;
  chip.stuck = true;
  Uart<ChipPorts> uart(ChipPorts{&chip});
  uart.put("lost");
  EXPECT_EQ(chip.sent, "");
}

TEST(Uart, reads_what_came_and_then_nothing) {
  Chip chip;
  chip.received = {'a', 0, 0xff};
  Uart<ChipPorts> uart(ChipPorts{&chip});
  EXPECT_EQ(uart.read(), 'a');
  EXPECT_EQ(uart.read(), '\0');
  EXPECT_EQ(uart.read(), '\xff');
  EXPECT_EQ(uart.read(), std::nullopt);
}

TEST(Frame, status_has_the_documented_bytes) {
  Screen line;
  send_status(line, 0x01020304);
  EXPECT_EQ(line.text, std::string("\x01S\x04\x00\x04\x03\x02\x01\x04", 9));
}

TEST(Frame, long_payload_is_cut) {
  Screen line;
  send_frame(line, FrameType::Log, std::string(5000, 'x'));
  EXPECT_EQ(line.text.size(), 4 + 4096 + 1);
  EXPECT_EQ(line.text.substr(0, 4), std::string("\x01L\x00\x10", 4));
  EXPECT_EQ(line.text.back(), '\x04');
}

}  // namespace
}  // namespace fb::libos::root

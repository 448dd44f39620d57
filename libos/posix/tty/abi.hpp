// What a terminal has for settings: Linux's struct termios and winsize (uapi asm-generic/termbits.h).
#pragma once

#include <array>
#include <cstdint>

namespace fb::libos::posix::tty {

struct Termios {
  std::uint32_t input = 0, output = 0, control = 0, local = 0;
  std::uint8_t line = 0;
  std::array<std::uint8_t, 19> characters{};
};
static_assert(sizeof(Termios) == 36);

/// struct termios2: with speeds that have no number in `control`.
struct Termios2 {
  Termios settings;
  std::uint32_t input_speed = 38'400, output_speed = 38'400;
};
static_assert(sizeof(Termios2) == 44);

struct WindowSize {
  std::uint16_t rows = 0, columns = 0, x_pixels = 0, y_pixels = 0;
  bool operator==(const WindowSize&) const = default;
};

namespace input {
inline constexpr std::uint32_t kStripBit8 = 0x20, kNewlineToReturn = 0x40, kIgnoreReturn = 0x80,
                               kReturnToNewline = 0x100, kFlowOutput = 0x400, kAnyRestarts = 0x800,
                               kBellWhenFull = 0x2000, kUtf8 = 0x4000;
}
namespace output {
inline constexpr std::uint32_t kProcess = 1, kNewlineToReturnNewline = 4, kReturnToNewline = 8,
                               kNoReturnAtColumn0 = 0x10, kNewlineReturns = 0x20, kTabs = 0x1800,
                               kExpandTabs = 0x1800;
}
namespace hardware {
inline constexpr std::uint32_t kSpeed = 0x100f, kSizes = 0x30, kSize8 = 0x30, kReceives = 0x80,
                               kParity = 0x100;
inline constexpr unsigned kInputSpeedShift = 16;
}  // namespace hardware
namespace local {
inline constexpr std::uint32_t kSignals = 1, kCanonical = 2, kEcho = 8, kEchoErase = 0x10, kEchoKill = 0x20,
                               kEchoNewline = 0x40, kNoFlush = 0x80, kBackgroundStops = 0x100,
                               kEchoControl = 0x200, kEchoKillByErase = 0x800, kExtended = 0x8000;
}

/// Places in Termios::characters.
enum class Special : std::uint8_t {
  Interrupt,
  Quit,
  Erase,
  Kill,
  EndOfFile,
  Time,
  Minimum,
  Swtch,
  Start,
  Stop,
  Suspend,
  EndOfLine,
  Reprint,
  Discard,
  WordErase,
  LiteralNext,
  EndOfLine2,
};

/// As a Linux console begins.
inline constexpr Termios kInitialTermios{
    .input = input::kReturnToNewline | input::kFlowOutput,
    .output = output::kProcess | output::kNewlineToReturnNewline,
    .control = 0xbf,  // 38400 baud, 8 bits, receiver on
    .local = local::kSignals | local::kCanonical | local::kEcho | local::kEchoErase | local::kEchoKill |
             local::kEchoControl | local::kEchoKillByErase | local::kExtended,
    .characters = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0},
};

}  // namespace fb::libos::posix::tty

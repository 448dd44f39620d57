// How fast a terminal's settings say that it is, in bits a second.
#pragma once

#include "libos/posix/tty/abi.hpp"

namespace fb::libos::posix::tty {

inline constexpr std::uint32_t kOtherSpeed = 0x1000;  ///< BOTHER: the settings say which

/// Of a number as c_cflag holds it; 0 when it is none.
constexpr std::uint32_t speed_of(std::uint32_t number) {
  constexpr std::array<std::uint32_t, 31> kSpeeds{
      0,         50,        75,        110,       134,       150,       200,      300,
      600,       1200,      1800,      2400,      4800,      9600,      19'200,   38'400,
      57'600,    115'200,   230'400,   460'800,   500'000,   576'000,   921'600,  1'000'000,
      1'152'000, 1'500'000, 2'000'000, 2'500'000, 3'000'000, 3'500'000, 4'000'000};
  const auto place = (number & kOtherSpeed) != 0 ? (number & ~kOtherSpeed) + 15 : number;
  return place < kSpeeds.size() ? kSpeeds[place] : 0;
}

constexpr std::uint32_t output_speed(const Termios2& its) {
  const auto number = its.settings.control & hardware::kSpeed;
  return number == kOtherSpeed ? its.output_speed : speed_of(number);
}
/// The output's, when nothing else is said.
constexpr std::uint32_t input_speed(const Termios2& its) {
  const auto number = its.settings.control >> hardware::kInputSpeedShift & hardware::kSpeed;
  return number == 0 ? output_speed(its) : number == kOtherSpeed ? its.input_speed : speed_of(number);
}

}  // namespace fb::libos::posix::tty

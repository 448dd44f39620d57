#include "kernel/boot/clock.hpp"

namespace fb::kernel::boot {
namespace {

constexpr std::uint16_t kRtcIndex = 0x70, kRtcData = 0x71;
constexpr std::uint64_t kBillion = 1'000'000'000;

enum class RtcRegister : std::uint8_t {
  Seconds = 0,
  Minutes = 2,
  Hours = 4,
  Day = 7,
  Month = 8,
  Year = 9,
  StatusA = 10,
  StatusB = 11
};

/// a / b in 32.32 fixed point.
std::uint64_t shifted_ratio(std::uint64_t a, std::uint64_t b) {
  const auto whole = a / b;
  return whole << 32 | arch::divide(a % b, b) >> 32;
}

std::uint8_t read_rtc(RtcRegister r) {
  arch::out8(kRtcIndex, static_cast<std::uint8_t>(r));
  return arch::in8(kRtcData);
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar.
std::uint64_t days_since_epoch(std::uint64_t year, std::uint64_t month, std::uint64_t day) {
  // Years begin in March, so that the leap day is the last of its year.
  const auto y = month <= 2 ? year - 1 : year;
  const auto m = month <= 2 ? month + 9 : month - 3;
  return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 719'469;
}

struct Date {
  std::uint64_t year, month, day, hours, minutes, seconds;
  bool operator==(const Date&) const = default;
};

Date read_date() {
  const auto mode = read_rtc(RtcRegister::StatusB);
  const auto value = [&](std::uint8_t raw) -> std::uint64_t {
    return (mode & 4) != 0 ? raw : (raw >> 4) * 10U + (raw & 15U);
  };
  auto hours = read_rtc(RtcRegister::Hours);
  const bool afternoon = (mode & 2) == 0 && (hours & 0x80) != 0;
  hours &= 0x7f;
  Date d{2000 + value(read_rtc(RtcRegister::Year)), value(read_rtc(RtcRegister::Month)),
         value(read_rtc(RtcRegister::Day)),         value(hours),
         value(read_rtc(RtcRegister::Minutes)),     value(read_rtc(RtcRegister::Seconds))};
  if ((mode & 2) == 0) d.hours = d.hours % 12 + (afternoon ? 12 : 0);
  return d;
}

}  // namespace

void set_clocks(object::Kernel& kernel) {
  arch::Apic::calibrate();
  kernel.ticks_per_second = arch::Apic::ticks_per_second();
  const auto hertz = kernel.ticks_per_second;
  kernel.nanoseconds_per_tick = shifted_ratio(kBillion, hertz);
  kernel.ticks_per_nanosecond = shifted_ratio(hertz, kBillion);
  kernel.slice_ticks = kernel.to_ticks(object::kSlice) - kernel.boot_start;

  // Twice the same, so that no register was read while the clock was moving on.
  auto date = read_date();
  for (unsigned attempts = 0; attempts < 16; ++attempts) {
    const auto again = read_date();
    if (again == date) break;
    date = again;
  }
  const auto seconds =
      ((days_since_epoch(date.year, date.month, date.day) * 24 + date.hours) * 60 + date.minutes) * 60 +
      date.seconds;
  const auto since_boot = kernel.to_nanoseconds(core::Ticks(arch::read_tsc()));
  kernel.realtime_at_zero = core::Nanoseconds(seconds * kBillion) - since_boot;
}

}  // namespace fb::kernel::boot

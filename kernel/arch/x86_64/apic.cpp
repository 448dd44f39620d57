#include "kernel/arch/x86_64/apic.hpp"

#include "kernel/arch/x86_64/ops.hpp"

namespace fb::kernel::arch {
namespace {

constexpr std::uint32_t kApicBase = 0x1b, kTscDeadline = 0x6e0, kX2Registers = 0x800, kX2Command = 0x830;
constexpr std::uint64_t kGlobalEnable = 1 << 11, kX2Enable = 1 << 10;
constexpr std::uint32_t kMasked = 1 << 16, kTscMode = 2 << 17, kSoftwareEnable = 1 << 8, kNmiMode = 4 << 8;
constexpr std::uint32_t kAssert = 1 << 14, kDeliveryInit = 5 << 8, kDeliveryStartup = 6 << 8,
                        kAllOthers = 3 << 18;
constexpr std::uint32_t kDivideByOne = 0xb, kPending = 1 << 12;

// 8254 counter 2, gated by the speaker port (Intel 8254 data sheet).
constexpr std::uint16_t kPitCounter2 = 0x42, kPitControl = 0x43, kSpeaker = 0x61;
constexpr std::uint32_t kPitHertz = 1'193'182;
constexpr std::uint16_t kWindow = 5'966;  // 5 ms

}  // namespace

constinit bool Apic::x2_ = false;
constinit bool Apic::tsc_deadline_ = false;
constinit std::uint64_t Apic::registers_ = 0;
constinit std::uint64_t Apic::ticks_per_second_ = 0;
constinit std::uint64_t Apic::timer_ratio_ = 0;

void Apic::choose(const Features& features, core::VirtAddr registers) {
  x2_ = features.has(Feature::X2Apic);
  tsc_deadline_ = features.has(Feature::TscDeadline);
  registers_ = registers.raw();
}

std::uint32_t Apic::read(Register r) {
  const auto offset = static_cast<std::uint32_t>(r);
  if (x2_) return static_cast<std::uint32_t>(read_msr(kX2Registers + offset / 16));
  return *reinterpret_cast<const volatile std::uint32_t*>(registers_ + offset);
}

void Apic::write(Register r, std::uint32_t value) {
  const auto offset = static_cast<std::uint32_t>(r);
  if (x2_) return write_msr(kX2Registers + offset / 16, value);
  *reinterpret_cast<volatile std::uint32_t*>(registers_ + offset) = value;
}

void Apic::enable() {
  write_msr(kApicBase, read_msr(kApicBase) | kGlobalEnable | (x2_ ? kX2Enable : 0));
  write(Register::TaskPriority, 0);
  write(Register::Lint0, kMasked);
  write(Register::Lint1, kNmiMode);
  write(Register::Divide, kDivideByOne);
  write(Register::Timer, static_cast<std::uint32_t>(Vector::Timer) | (tsc_deadline_ ? kTscMode : 0));
  write(Register::Spurious, kSoftwareEnable | static_cast<std::uint32_t>(Vector::Spurious));
}

ApicId Apic::id() { return ApicId(x2_ ? read(Register::Id) : read(Register::Id) >> 24); }
void Apic::end_of_interrupt() { write(Register::EndOfInterrupt, 0); }

void Apic::command(ApicId target, std::uint32_t low) {
  if (x2_) return write_msr(kX2Command, (std::uint64_t{target.raw()} << 32) | low);
  while ((read(Register::CommandLow) & kPending) != 0) pause();
  write(Register::CommandHigh, target.raw() << 24);
  write(Register::CommandLow, low);
}

void Apic::send(ApicId target, Vector vector) {
  command(target, kAssert | static_cast<std::uint32_t>(vector));
}
void Apic::send_init(ApicId target) { command(target, kAssert | kDeliveryInit); }
void Apic::send_startup(ApicId target, std::uint8_t page) {
  command(target, kAssert | kDeliveryStartup | page);
}
void Apic::stop_others() {
  if (x2_ || registers_ != 0) command(ApicId(0), kAssert | kAllOthers | kNmiMode);
}

void Apic::arm(core::Ticks deadline) {
  if (tsc_deadline_) return write_msr(kTscDeadline, deadline.raw());
  const auto now = read_tsc();
  const auto ticks = deadline.raw() > now ? deadline.raw() - now : 0;
  const auto most = std::uint64_t{0xffff'ffff} << 31;
  const auto counts = ticks > most / (timer_ratio_ | 1) ? 0xffff'ffff : (ticks * timer_ratio_ >> 32) + 1;
  write(Register::InitialCount, static_cast<std::uint32_t>(counts > 0xffff'ffff ? 0xffff'ffff : counts));
}

void Apic::calibrate() {
  out8(kSpeaker, static_cast<std::uint8_t>((in8(kSpeaker) & ~0x02) | 0x01));
  out8(kPitControl, 0xb0);  // counter 2, low then high byte, mode 0: output rises at zero
  out8(kPitCounter2, kWindow & 0xff);
  const std::uint32_t timer = read(Register::Timer);
  write(Register::Timer, timer | kMasked);
  if (!tsc_deadline_) write(Register::InitialCount, 0xffff'ffff);
  out8(kPitCounter2, kWindow >> 8);
  const auto start = read_tsc();
  const auto start_count = tsc_deadline_ ? 0 : read(Register::CurrentCount);
  while ((in8(kSpeaker) & 0x20) == 0) pause();
  const auto ticks = read_tsc() - start;
  const auto counts = tsc_deadline_ ? 0 : start_count - read(Register::CurrentCount);
  write(Register::InitialCount, 0);
  write(Register::Timer, timer);
  ticks_per_second_ = ticks * kPitHertz / kWindow;
  timer_ratio_ = (std::uint64_t{counts} << 32) / (ticks | 1);
}

}  // namespace fb::kernel::arch

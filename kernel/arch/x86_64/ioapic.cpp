#include "kernel/arch/x86_64/ioapic.hpp"

namespace fb::kernel::arch {
namespace {

constexpr std::uint32_t kRedirection = 0x10, kMaskBit = 1 << 16, kActiveLow = 1 << 13, kLevel = 1 << 15;
constexpr std::uint64_t kSelect = 0x00, kWindow = 0x10;

}  // namespace

constinit RankedLock<Rank::Interrupts> IoApic::lock_{};
constinit std::uint64_t IoApic::registers_ = 0;
constinit std::array<IoApic::Route, IoApic::kLines> IoApic::routes_{};

void IoApic::write(std::uint32_t index, std::uint32_t value) {
  if (registers_ == 0) return;
  *reinterpret_cast<volatile std::uint32_t*>(registers_ + kSelect) = index;
  *reinterpret_cast<volatile std::uint32_t*>(registers_ + kWindow) = value;
}

void IoApic::initialise(core::VirtAddr registers, const std::array<Route, kLines>& routes, ApicId target) {
  registers_ = registers.raw();
  routes_ = routes;
  for (unsigned line = 0; line < kLines; ++line) {
    write(kRedirection + 2U * routes_[line].input + 1, target.raw() << 24);
    set_masked(line, true);
  }
}

void IoApic::set_masked(unsigned line, bool masked) {
  if (line >= kLines) return;
  const core::Guard guard(lock_);
  const auto& route = routes_[line];
  const auto vector = static_cast<std::uint32_t>(Vector::FirstDevice) + line;
  write(kRedirection + 2U * route.input,
        vector | (masked ? kMaskBit : 0) | (route.active_low ? kActiveLow : 0) | (route.level ? kLevel : 0));
}

void IoApic::mask(unsigned line) { set_masked(line, true); }
void IoApic::unmask(unsigned line) { set_masked(line, false); }

}  // namespace fb::kernel::arch

#include "kernel/arch/x86_64/descriptors.hpp"

// NOLINTBEGIN(readability-identifier-naming): labels of assembly and of the linker
extern "C" const char trap_stubs[];
// NOLINTEND(readability-identifier-naming)

namespace fb::kernel::arch {
namespace {

struct [[gnu::packed]] TablePointer {
  std::uint16_t limit;
  std::uint64_t base;
};

constexpr std::uint64_t kKernelCode = 0x00af9a000000ffff;
constexpr std::uint64_t kKernelData = 0x00cf92000000ffff;
constexpr std::uint64_t kUserData = 0x00cff2000000ffff;
constexpr std::uint64_t kUserCode = 0x00affa000000ffff;
constexpr std::uint16_t kTaskSelector = 0x28;
constexpr std::uint64_t kStubBytes = 16;

constexpr OwnStack own_stack(unsigned vector) {
  switch (static_cast<Vector>(vector)) {
    case Vector::Debug:
      return OwnStack::Debug;
    case Vector::Nmi:
      return OwnStack::Nmi;
    case Vector::DoubleFault:
      return OwnStack::DoubleFault;
    case Vector::MachineCheck:
      return OwnStack::MachineCheck;
    default:
      return OwnStack::None;
  }
}

}  // namespace

void Descriptors::load(std::uint64_t kernel_stack, const std::array<std::uint64_t, kOwnStacks>& own_stacks) {
  tss_.rsp[0] = kernel_stack;
  for (unsigned i = 0; i < kOwnStacks; ++i) tss_.ist[i] = own_stacks[i];
  const auto base = reinterpret_cast<std::uint64_t>(&tss_);
  const std::uint64_t limit = sizeof tss_ - 1;
  gdt_ = {0,
          kKernelCode,
          kKernelData,
          kUserData,
          kUserCode,
          limit | ((base & 0xffffff) << 16) | (std::uint64_t{0x89} << 40) | ((base >> 24 & 0xff) << 56),
          base >> 32};
  const TablePointer pointer{sizeof gdt_ - 1, reinterpret_cast<std::uint64_t>(gdt_.data())};
  asm volatile("lgdt %0" : : "m"(pointer));
  asm volatile(
      "pushq %0\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:\n\t"
      "movl %1, %%ds\n\tmovl %1, %%es\n\tmovl %1, %%ss\n\tmovl %2, %%fs\n\tmovl %2, %%gs"
      :
      : "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA), "r"(0)
      : "rax", "memory");
  asm volatile("ltr %0" : : "r"(kTaskSelector));
}

void InterruptTable::build() {
  for (unsigned vector = 0; vector < gates_.size(); ++vector) {
    const auto target = reinterpret_cast<std::uint64_t>(trap_stubs) + vector * kStubBytes;
    const std::uint64_t privilege = vector == static_cast<unsigned>(Vector::Breakpoint) ? 3 : 0;
    const std::uint64_t type = 0x8e | privilege << 5;
    gates_[vector].low = (target & 0xffff) | (std::uint64_t{SELECTOR_KERNEL_CODE} << 16) |
                         (static_cast<std::uint64_t>(own_stack(vector)) << 32) | (type << 40) |
                         ((target >> 16 & 0xffff) << 48);
    gates_[vector].high = target >> 32;
  }
}

void InterruptTable::load() const {
  const TablePointer pointer{sizeof gates_ - 1, reinterpret_cast<std::uint64_t>(gates_.data())};
  asm volatile("lidt %0" : : "m"(pointer));
}

}  // namespace fb::kernel::arch

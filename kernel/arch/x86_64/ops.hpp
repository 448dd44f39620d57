// Instructions that C++ has no words for: one function, one instruction (Intel SDM vol. 2).
#pragma once

#include <cstdint>

namespace fb::kernel::arch {

inline std::uint64_t read_cr2() {
  std::uint64_t v;
  asm volatile("movq %%cr2, %0" : "=r"(v));
  return v;
}
inline std::uint64_t read_cr3() {
  std::uint64_t v;
  asm volatile("movq %%cr3, %0" : "=r"(v));
  return v;
}
inline std::uint64_t read_cr4() {
  std::uint64_t v;
  asm volatile("movq %%cr4, %0" : "=r"(v));
  return v;
}
inline std::uint64_t read_dr6() {
  std::uint64_t v;
  asm volatile("movq %%dr6, %0" : "=r"(v));
  return v;
}
inline void write_cr3(std::uint64_t v) { asm volatile("movq %0, %%cr3" : : "r"(v) : "memory"); }
inline void write_cr4(std::uint64_t v) { asm volatile("movq %0, %%cr4" : : "r"(v) : "memory"); }
inline void write_dr6(std::uint64_t v) { asm volatile("movq %0, %%dr6" : : "r"(v)); }
inline void write_dr7(std::uint64_t v) { asm volatile("movq %0, %%dr7" : : "r"(v)); }

inline std::uint64_t read_msr(std::uint32_t msr) {
  std::uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return (std::uint64_t{high} << 32) | low;
}
inline void write_msr(std::uint32_t msr, std::uint64_t v) {
  asm volatile("wrmsr"
               :
               : "c"(msr), "a"(static_cast<std::uint32_t>(v)), "d"(static_cast<std::uint32_t>(v >> 32))
               : "memory");
}
inline std::uint64_t read_tsc() {
  std::uint32_t low, high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return (std::uint64_t{high} << 32) | low;
}

struct CpuidLeaf {
  std::uint32_t eax, ebx, ecx, edx;
};
inline CpuidLeaf cpuid(std::uint32_t leaf, std::uint32_t sub = 0) {
  CpuidLeaf r;
  asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(sub));
  return r;
}

/// (high * 2^64) / divisor, which must be above `high`.
inline std::uint64_t divide(std::uint64_t high, std::uint64_t divisor) {
  std::uint64_t low = 0;
  asm("divq %2" : "+a"(low), "+d"(high) : "r"(divisor) : "cc");
  return low;
}

inline std::uint8_t in8(std::uint16_t port) {
  std::uint8_t v;
  asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
  return v;
}
inline std::uint16_t in16(std::uint16_t port) {
  std::uint16_t v;
  asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
  return v;
}
inline std::uint32_t in32(std::uint16_t port) {
  std::uint32_t v;
  asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
  return v;
}
inline void out8(std::uint16_t port, std::uint8_t v) { asm volatile("outb %0, %1" : : "a"(v), "Nd"(port)); }
inline void out16(std::uint16_t port, std::uint16_t v) { asm volatile("outw %0, %1" : : "a"(v), "Nd"(port)); }
inline void out32(std::uint16_t port, std::uint32_t v) { asm volatile("outl %0, %1" : : "a"(v), "Nd"(port)); }

inline void pause() { asm volatile("pause"); }
/// In entry.S. An interrupt that finds this CPU at `halting` and not behind it, leaves it behind it.
extern "C" void halt_until_interrupt();
extern "C" const char halting[];  // NOLINT(readability-identifier-naming): a label
inline void open_interrupts() { asm volatile("sti; nop; cli" : : : "memory"); }
inline void disable_interrupts() { asm volatile("cli" : : : "memory"); }
inline void invalidate_page(std::uint64_t address) {
  asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}
/// Null selectors everywhere but in CS and SS; the kernel's own GS base stays.
inline void clear_segments() {
  asm volatile("movl %0, %%ds\n\tmovl %0, %%es\n\tmovl %0, %%fs\n\tswapgs\n\tmovl %0, %%gs\n\tswapgs"
               :
               : "r"(0)
               : "memory");
}
inline void set_xcr0(std::uint64_t v) {
  asm volatile("xsetbv"
               :
               : "c"(0), "a"(static_cast<std::uint32_t>(v)), "d"(static_cast<std::uint32_t>(v >> 32)));
}
inline void xsave(void* area) { asm volatile("xsave64 (%0)" : : "r"(area), "a"(~0U), "d"(~0U) : "memory"); }
inline void xrstor(const void* area) {
  asm volatile("xrstor64 (%0)" : : "r"(area), "a"(~0U), "d"(~0U) : "memory");
}

}  // namespace fb::kernel::arch

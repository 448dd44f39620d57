#include "kernel/arch/x86_64/features.hpp"

#include <algorithm>

#include "kernel/arch/x86_64/offsets.h"
#include "kernel/arch/x86_64/ops.hpp"

// NOLINTBEGIN(readability-identifier-naming): labels of assembly and of the linker
extern "C" const char syscall_entry[];
extern "C" char clac_if_present[];
// NOLINTEND(readability-identifier-naming)

namespace fb::kernel::arch {
namespace {

constexpr std::uint32_t kStar = 0xc000'0081, kLstar = 0xc000'0082, kSyscallMask = 0xc000'0084;
constexpr std::uint32_t kArchCapabilities = 0x10a;
constexpr std::uint64_t kCr4Global = 1 << 7, kCr4FxSave = 1 << 9, kCr4SimdErrors = 1 << 10,
                        kCr4Umip = 1 << 11, kCr4Xsave = 1 << 18, kCr4Smep = 1 << 20, kCr4Smap = 1 << 21;
/// x87, SSE, AVX, AVX-512, PKRU: states with a place in the standard format that programs know how to use.
constexpr std::uint64_t kKnownComponents = 0x2e7;
constexpr std::uint64_t kVectorHead = 576;  ///< legacy region and header

bool open_to_meltdown() {
  const auto vendor = cpuid(0);
  const bool intel = vendor.ebx == 0x756e'6547;  // "Genu"
  if (!intel) return false;
  const bool reports = (cpuid(7).edx >> 29 & 1) != 0;
  return !reports || (read_msr(kArchCapabilities) & 1) == 0;  // RDCL_NO
}

}  // namespace

Features Features::detect() {
  Features f;
  const auto basic = cpuid(1);
  const auto extended = cpuid(7);
  const auto amd = cpuid(0x8000'0001);
  f.set(Feature::Nx, (amd.edx >> 20 & 1) != 0);
  f.set(Feature::GiganticPages, (amd.edx >> 26 & 1) != 0);
  f.set(Feature::Smep, (extended.ebx >> 7 & 1) != 0);
  f.set(Feature::Smap, (extended.ebx >> 20 & 1) != 0);
  f.set(Feature::Umip, (extended.ecx >> 2 & 1) != 0);
  f.set(Feature::FsGsBase, (extended.ebx & 1) != 0);
  f.set(Feature::Xsave, (basic.ecx >> 26 & 1) != 0);
  f.set(Feature::X2Apic, (basic.ecx >> 21 & 1) != 0);
  f.set(Feature::TscDeadline, (basic.ecx >> 24 & 1) != 0);
  const bool amd_ibpb = cpuid(0x8000'0000).eax >= 0x8000'0008 && (cpuid(0x8000'0008).ebx >> 12 & 1) != 0;
  f.set(Feature::Ibpb, (extended.edx >> 26 & 1) != 0 || amd_ibpb);
  f.set(Feature::Meltdown, open_to_meltdown());
  if (f.has(Feature::Xsave)) {
    const auto leaf = cpuid(0xd, 0);
    f.components_ = ((std::uint64_t{leaf.edx} << 32) | leaf.eax) & kKnownComponents;
    std::uint64_t bytes = kVectorHead;
    auto* part = f.parts_.data();
    for (unsigned i = 2; i < 64; ++i) {
      if ((f.components_ >> i & 1) == 0) continue;
      const auto component = cpuid(0xd, i);
      *part++ = {.component = std::uint64_t{1} << i, .offset = component.ebx, .size = component.eax};
      const std::uint64_t end = std::uint64_t{component.ebx} + component.eax;
      bytes = end > bytes ? end : bytes;
    }
    f.vector_bytes_ = core::ByteCount(bytes);
  }
  return f;
}

void Features::copy_vector(char* to, const char* from, std::uint64_t held) const {
  __builtin_memcpy(to, from, std::min(kVectorHead, vector_bytes_.raw()));
  for (const Part& part : parts_) {
    if ((held & part.component) != 0) __builtin_memcpy(to + part.offset, from + part.offset, part.size);
  }
}

void Features::patch_image() const {
  if (has(Feature::Smap)) return;
  for (unsigned i = 0; i < 3; ++i) clac_if_present[i] = '\x90';  // nop
}

void Features::enable() const {
  // CR4.FSGSBASE stays off: bases change by the frame only (docs/adr/0002).

  std::uint64_t cr4 = read_cr4() | kCr4Global | kCr4FxSave | kCr4SimdErrors;
  if (has(Feature::Umip)) cr4 |= kCr4Umip;
  if (has(Feature::Xsave)) cr4 |= kCr4Xsave;
  if (has(Feature::Smep)) cr4 |= kCr4Smep;
  if (has(Feature::Smap)) cr4 |= kCr4Smap;
  write_cr4(cr4);
  if (has(Feature::Xsave)) set_xcr0(components_);
  // Bases of the selectors: syscall takes SELECTOR_KERNEL_CODE and the next, sysret the base + 16 and + 8, with RPL 3.
  write_msr(kStar, std::uint64_t{SELECTOR_KERNEL_CODE} << 32 | std::uint64_t{SELECTOR_KERNEL_DATA} << 48);
  write_msr(kLstar, reinterpret_cast<std::uint64_t>(syscall_entry));
  write_msr(kSyscallMask, ~std::uint64_t{2} & 0xffff'ffff);  // all flags off, TF, IF, DF, AC, NT among them
  write_dr7(0x400);
}

}  // namespace fb::kernel::arch

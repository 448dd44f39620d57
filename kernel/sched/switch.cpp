#include "kernel/sched/switch.hpp"

#include <algorithm>

#include "kernel/arch/x86_64/leave.hpp"
#include "kernel/sched/kick.hpp"

namespace fb::kernel::sched {
namespace {

constexpr std::uint32_t kFsBase = 0xc000'0100, kKernelGsBase = 0xc000'0102, kPredictionCommand = 0x49;

void load_vector(Cpu& cpu, const void* area) {
  if (cpu.kernel->features.has(arch::Feature::Xsave)) {
    arch::xrstor(area);
  } else {
    asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
  }
}

}  // namespace

void reset_vector(Context& context) {
  __builtin_memcpy(context.vector_area, &kInitialVectorState, sizeof kInitialVectorState);
}

core::Result<> accept_vector(Cpu& cpu, Context& context, const char* source) {
  // Intel SDM 1, 13.4.2: XSTATE_BV, XCOMP_BV, 48 reserved bytes that must be zero.
  constexpr std::size_t kMxcsr = 24, kHeader = kVectorHeader, kHeaderWords = 8;
  constexpr std::uint32_t kMxcsrBits = 0xffff;
  const auto& features = cpu.kernel->features;
  std::uint64_t header[kHeaderWords];
  __builtin_memcpy(header, source + kHeader, sizeof header);
  asm volatile("" : "+m"(header));
  for (std::size_t i = 1; i < kHeaderWords; ++i) {
    if (header[i] != 0) return core::fail(core::Error::BadFormat);
  }
  if ((header[0] & ~features.vector_components()) != 0) return core::fail(core::Error::BadFormat);
  auto* area = static_cast<char*>(context.vector_area);
  features.copy_vector(area, source, header[0]);
  __builtin_memcpy(area + kHeader, header, sizeof header);  // not what was read second
  std::uint32_t mxcsr = 0;
  __builtin_memcpy(&mxcsr, area + kMxcsr, sizeof mxcsr);
  mxcsr &= kMxcsrBits;
  __builtin_memcpy(area + kMxcsr, &mxcsr, sizeof mxcsr);
  return {};
}

void save_vector(Cpu& cpu) {
  Context* owner = cpu.vector_owner;
  if (owner == nullptr) return;
  if (cpu.kernel->features.has(arch::Feature::Xsave)) {
    arch::xsave(owner->vector_area);
  } else {
    asm volatile("fxsave64 (%0)" : : "r"(owner->vector_area) : "memory");
  }
  cpu.vector_owner = nullptr;
  cpu.vector_domain = 0;
  cpu.live = nullptr;
  owner->vector_on.store(nullptr,
                         std::memory_order_release);  // the area is whole before another CPU loads it
}

void set_bases_slow(Cpu& cpu, const Context& context, std::uint64_t fs, std::uint64_t gs) {
  if (cpu.base_owner != &context) {
    arch::clear_segments();
    cpu.live = nullptr;
  }
  arch::write_msr(kFsBase, fs);
  arch::write_msr(kKernelGsBase, gs);  // `swapgs` on the way out brings it in
  cpu.fs_base = fs;
  cpu.gs_base = gs;
  cpu.base_owner = &context;
}

void switch_vector_slow(Cpu& cpu, Context& context) {
  save_vector(cpu);
  if (cpu.vector_domain != context.domain_identity && cpu.kernel->features.has(arch::Feature::Ibpb)) {
    arch::write_msr(kPredictionCommand, 1);  // IBPB: branches that another domain trained (Spectre v2)
  }
  cpu.vector_domain = context.domain_identity;
  if (!context.vector) {
    load_vector(
        cpu,
        &kInitialVectorState);  // what a context without vector state left in the registers is not for others
    if (!context.reflecting) {
      set_bases_slow(cpu, context, 0, 0);
      cpu.base_owner = nullptr;
    }
    return;
  }
  while (Cpu* holder = context.vector_on.load(std::memory_order_acquire)) fetch_vector(cpu, *holder);
  load_vector(cpu, context.vector_area);
  cpu.vector_owner = &context;
  context.vector_on.store(&cpu, std::memory_order_relaxed);  // only this CPU runs it now
  if (!context.reflecting) set_bases_slow(cpu, context, context.registers.fs_base, context.registers.gs_base);
}

void leave_to(Cpu& cpu, Context& context) {
  const auto& frame = *context.frame;
  cpu.current_head = &context;
  cpu.frame = context.frame;
  cpu.reflecting = context.reflecting ? 1 : 0;
  switch_space(cpu, context.space);
  switch_vector(cpu, context);
  // Once: a carrier can write it, at any time. What is not an address of the user half becomes the page behind it, which
  // nobody can map; a `syscall` at the very end of the half comes back to that by itself. It faults there, in ring 3.
  const auto rip = std::min(__atomic_load_n(&frame.rip, __ATOMIC_RELAXED), core::kUserEnd);
  const auto rflags = arch::user_flags(__atomic_load_n(&frame.rflags, __ATOMIC_RELAXED));
  if (context.by_syscall) leave_by_sysret(&frame, rip, rflags);
  leave_by_iret(&frame, rip, rflags);
}

}  // namespace fb::kernel::sched

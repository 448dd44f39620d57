#include "kernel/boot/cpus.hpp"

#include <new>

#include "core/text/write.hpp"
#include "kernel/arch/x86_64/uart.hpp"
#include "kernel/syscall/calls.hpp"

// NOLINTBEGIN(readability-identifier-naming): labels of assembly and of the linker
extern "C" {
extern const char boot_root[];
extern const char trampoline_start[], trampoline_end[], trampoline_data[];
[[noreturn]] void secondary_main(fb::kernel::object::Cpu* cpu);
}
// NOLINTEND(readability-identifier-naming)

namespace fb::kernel::boot {
namespace {

using core::ByteCount;
using core::PageCount;
using core::PhysAddr;
using core::VirtAddr;
using object::Cpu;
using object::Kernel;

constexpr std::uint64_t kStride = 256 * 1024, kStackBytes = 16 * 1024, kGap = 16 * 1024;
constexpr std::uint32_t kGsBase = 0xc000'0101, kKernelGsBase = 0xc000'0102;

/// Maps a stack above an unmapped gap and returns its top.
std::uint64_t map_stack(Kernel& kernel, arch::EarlyFrames& frames, std::uint64_t bottom,
                        std::uint64_t bytes) {
  const auto first = frames.take(core::pages_for(ByteCount(bytes)));
  for (std::uint64_t at = 0; at < bytes; at += core::kPageSize) {
    kernel.tables->map(VirtAddr(bottom + at), first + ByteCount(at), arch::KernelAccess::ReadWrite);
  }
  return bottom + bytes;
}

void wait(Kernel& kernel, core::Nanoseconds time) {
  const auto end = arch::read_tsc() + (kernel.to_ticks(time) - kernel.boot_start).raw();
  while (arch::read_tsc() < end) arch::pause();
}

}  // namespace

Cpu& make_cpu(Kernel& kernel, arch::EarlyFrames& frames, core::CpuId id, arch::ApicId apic) {
  const auto storage = frames.take(core::pages_for(ByteCount(sizeof(syscall::Calls))));
  auto& cpu = *::new (arch::direct(storage)) syscall::Calls;
  cpu.kernel = &kernel;
  cpu.id = id;
  cpu.apic = apic;
  cpu.running = object::RunState(object::Chain::Running, id);
  cpu.set_depth(0);
  cpu.scrubs_shortly = kernel.features.has(arch::Feature::Xsave) && !kernel.features.has(arch::Feature::Ibpb);
  auto at = arch::kStackRegion + id.raw() * kStride + kGap;
  cpu.stack = map_stack(kernel, frames, at, kStackBytes);
  at += kStackBytes + kGap;
  for (auto& top : cpu.own_stacks) {
    top = map_stack(kernel, frames, at, IST_STACK_SIZE) - 16;
    // distrustful_entry finds the Cpu here, whatever GS is.
    const auto word = arch::direct<std::uint64_t>(frames.last_taken() + ByteCount(IST_STACK_SIZE - 16));
    *word = reinterpret_cast<std::uint64_t>(&cpu);
    at += IST_STACK_SIZE + kGap;
  }
  kernel.cpus[id.raw()] = &cpu;
  return cpu;
}

void become(Cpu& cpu) {
  cpu.descriptors.load(cpu.stack, cpu.own_stacks);
  cpu.kernel->interrupts.load();
  arch::write_msr(kGsBase, reinterpret_cast<std::uint64_t>(&cpu));
  arch::write_msr(kKernelGsBase, 0);
  cpu.kernel->features.enable();
}

void start_others(Kernel& kernel, const Topology& topology) {
  const auto size = static_cast<std::size_t>(trampoline_end - trampoline_start);
  auto* low = arch::direct<char>(PhysAddr(TRAMPOLINE_ADDRESS));
  __builtin_memcpy(low, trampoline_start, size);
  auto* data = reinterpret_cast<std::uint64_t*>(low + (trampoline_data - trampoline_start));
  // The boot tables map the trampoline's page where it is; the final ones do not.
  data[0] = arch::image_to_physical(boot_root).raw();
  data[2] = kernel.tables->root().raw();
  for (unsigned i = 1; i < topology.cpu_count; ++i) {
    Cpu& cpu = *kernel.cpus[i];
    data[1] = reinterpret_cast<std::uint64_t>(&cpu);
    const auto before = kernel.cpu_count.load(std::memory_order_acquire);
    arch::Apic::send_init(cpu.apic);
    wait(kernel, core::Nanoseconds(200'000));
    for (unsigned attempt = 0; attempt < 2 && kernel.cpu_count.load(std::memory_order_acquire) == before;
         ++attempt) {
      arch::Apic::send_startup(cpu.apic, TRAMPOLINE_ADDRESS >> 12);
      for (unsigned ms = 0; ms < 1000 && kernel.cpu_count.load(std::memory_order_acquire) == before; ++ms) {
        wait(kernel, core::Nanoseconds(1'000'000));
      }
    }
    if (kernel.cpu_count.load(std::memory_order_acquire) == before) {
      const arch::Uart out(arch::kCom1);
      core::text::print(out, "CPU ", i, " does not answer; going on with ", before, "\n");
      return;
    }
  }
}

}  // namespace fb::kernel::boot

void secondary_main(fb::kernel::object::Cpu* cpu) {
  using namespace fb::kernel;
  boot::become(*cpu);
  arch::Apic::enable();
  cpu->kernel->cpu_count.fetch_add(1, std::memory_order_acq_rel);
  syscall::dispatch(*cpu);
}

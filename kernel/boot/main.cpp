// From the loader to the first domain.
#include <algorithm>
#include <new>

#include "core/text/write.hpp"
#include "kernel/arch/x86_64/panic.hpp"
#include "kernel/arch/x86_64/uart.hpp"
#include "kernel/boot/clock.hpp"
#include "kernel/boot/cpus.hpp"
#include "kernel/boot/first_domain.hpp"
#include "kernel/syscall/calls.hpp"

extern "C" {
extern const char kernel_start[], kernel_end[];
[[noreturn]] void kernel_main(const fb::kernel::boot::StartInfo* info, std::uint64_t entered);
}

namespace fb::kernel::boot {
namespace {

using core::ByteCount;
using core::FrameNumber;
using core::PageCount;
using core::PhysAddr;
using object::Cpu;
using object::Kernel;

constexpr std::uint64_t kBootMapped = std::uint64_t{1} << 30;  // boot/pvh.S
constexpr std::uint64_t kLowMemory = std::uint64_t{1} << 20;

alignas(64) char kernel_storage[sizeof(Kernel)];
alignas(64) char first_cpu_storage[sizeof(syscall::Calls)];

/// The part of memory that early frames come from: behind the image, up to the archive or the end of that RAM.
PhysAddr early_end(const BootInput& input) {
  const auto start = arch::image_to_physical(kernel_end).raw();
  for (const auto& range : input.memory()) {
    const auto end = range.address + range.size;
    if (range.type != MemoryRange::kRam || start < range.address || start >= end) continue;
    const auto archive = input.archive().raw();
    return PhysAddr(std::min({end, kBootMapped, archive >= start ? archive : end}) & ~core::kPageMask);
  }
  arch::panic("the kernel is not in RAM");
}

/// Hands RAM to the allocator, but for low memory, the image with the early frames, and the archive.
void give_memory(Kernel& kernel, const BootInput& input, PhysAddr early_frames_end) {
  struct Hole {
    std::uint64_t start, end;
  };
  const std::array<Hole, 2> holes{
      Hole{0, early_frames_end.raw()},
      Hole{input.archive().raw() & ~core::kPageMask, input.archive().raw() + input.archive_size().raw()}};
  for (const auto& range : input.memory()) {
    if (range.type != MemoryRange::kRam) continue;
    auto at = (std::max(range.address, kLowMemory) + core::kPageMask) & ~core::kPageMask;
    const auto end = std::min(range.address + range.size, input.top().raw()) & ~core::kPageMask;
    while (at < end) {
      auto stop = end;
      bool inside = false;
      for (const auto& hole : holes) {
        const auto hole_end = (hole.end + core::kPageMask) & ~core::kPageMask;
        if (at >= hole.start && at < hole_end) {
          at = hole_end;
          inside = true;
        } else if (hole.start > at) {
          stop = std::min(stop, hole.start);
        }
      }
      if (inside) continue;
      const auto added =
          kernel.memory.frames.add_range(PhysAddr(at).frame(), PageCount((stop - at) >> core::kPageShift));
      arch::require(added.has_value(), "the memory map overlaps itself");
      at = stop;
    }
  }
}

void list_platform(Kernel& kernel) {
  // Numbers are part of the contract with the first domain (docs/running.md).
  kernel.platform = {object::PlatformDevice{arch::kCom1, 8, 4}, object::PlatformDevice{arch::kCom2, 8, 3},
                     object::PlatformDevice{0x604, 2, object::PlatformDevice::kNoLine},
                     object::PlatformDevice{0xf4, 4, object::PlatformDevice::kNoLine}};
}

void warn(const arch::Features& features) {
  const arch::Uart out(arch::kCom1);
  if (features.has(arch::Feature::Meltdown)) {
    core::text::print(out,
                      "*** WARNING: this CPU is open to Meltdown; programs can read kernel memory ***\n");
  }
  arch::require(features.has(arch::Feature::Nx), "this CPU has no NX");
}

}  // namespace
}  // namespace fb::kernel::boot

void kernel_main(const fb::kernel::boot::StartInfo* info, std::uint64_t entered) {
  using namespace fb::kernel;
  using namespace fb::kernel::boot;
  const arch::Uart out(arch::kCom1);
  out.initialise();
  // A Cpu to hold lock ranks from the first lock on; replaced below by one with stacks.
  arch::write_msr(0xc000'0101, reinterpret_cast<std::uint64_t>(::new (first_cpu_storage) syscall::Calls));

  const auto features = arch::Features::detect();
  warn(features);
  features.patch_image();
  const auto input =
      BootInput::read(*arch::direct<const StartInfo>(PhysAddr(reinterpret_cast<std::uint64_t>(info))));
  arch::EarlyFrames early((PhysAddr(arch::image_to_physical(kernel_end).raw())), early_end(input));
  // Firmware's tables lie right behind the last RAM, within the same large page.
  const PhysAddr mapped_end((input.top().raw() + arch::kLargePage - 1) & ~(arch::kLargePage - 1));
  arch::KernelTables tables(early, features, mapped_end);

  const auto count = input.top().frame().raw();
  const auto descriptors = early.take(fb::core::pages_for(ByteCount(count * sizeof(fb::core::mem::Frame))));
  auto& kernel = *::new (kernel_storage)
                     Kernel(features, std::span(arch::direct<fb::core::mem::Frame>(descriptors), count));
  kernel.tables = &tables;
  kernel.boot_start = fb::core::Ticks(entered);
  kernel.interrupts.build();

  // The APIC is needed to know which CPU this is, and the tables are needed to reach it.
  arch::Apic::choose(features, tables.map_device(PhysAddr(0xfee0'0000), 0));
  const auto topology_early = tables.map_device(PhysAddr(0xfec0'0000), 1);
  arch::write_cr3(tables.root().raw());
  arch::Apic::enable();
  const auto topology = read_topology(input.rsdp(), mapped_end, arch::Apic::id());
  for (unsigned i = 0; i < topology.cpu_count; ++i)
    make_cpu(kernel, early, fb::core::CpuId(i), topology.cpus[i]);
  Cpu& cpu = *kernel.cpus[0];
  become(cpu);
  kernel.cpu_count.store(1, std::memory_order_release);
  arch::IoApic::initialise(topology_early, topology.routes, topology.cpus[0]);
  list_platform(kernel);
  give_memory(kernel, input, early.next());
  set_clocks(kernel);
  start_others(kernel, topology);
  make_first_domain(kernel, cpu, input);
  kernel.boot_ticks = fb::core::Ticks(arch::read_tsc()) - kernel.boot_start;
  syscall::dispatch(cpu);
}

#include "kernel/arch/x86_64/paging.hpp"

#include "kernel/arch/x86_64/ops.hpp"
#include "kernel/arch/x86_64/panic.hpp"

extern "C" const char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];

namespace fb::kernel::arch {
namespace {

using core::PhysAddr;
using core::VirtAddr;

// Entry bits, Intel SDM 3A 4.5.
constexpr std::uint64_t kPresent = 1, kWritable = 2, kWriteThrough = 8, kUncached = 16, kLarge = 128,
                        kGlobal = 256;
constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 63;
constexpr std::uint64_t kAddressMask = 0x000f'ffff'ffff'f000;
constexpr std::uint64_t kLargeBytes = std::uint64_t{2} << 20, kGiganticBytes = std::uint64_t{1} << 30;
constexpr unsigned kRootLevel = 4;

constexpr std::uint64_t bits(KernelAccess access) {
  switch (access) {
    case KernelAccess::ReadOnly:
      return kPresent | kGlobal | kNoExecute;
    case KernelAccess::ReadWrite:
      return kPresent | kGlobal | kWritable | kNoExecute;
    case KernelAccess::ReadExecute:
      return kPresent | kGlobal;
    case KernelAccess::Device:
      return kPresent | kGlobal | kWritable | kNoExecute | kUncached | kWriteThrough;
  }
  return 0;
}

KernelAccess image_access(std::uint64_t address) {
  if (address < reinterpret_cast<std::uint64_t>(kernel_text_end)) return KernelAccess::ReadExecute;
  if (address < reinterpret_cast<std::uint64_t>(kernel_rodata_end)) return KernelAccess::ReadOnly;
  return KernelAccess::ReadWrite;
}

// Until the final tables are loaded, physical memory below 1 GiB is mapped at kDirectMap by boot/pvh.S.
std::uint64_t* table_at(std::uint64_t entry) { return direct<std::uint64_t>(PhysAddr(entry & kAddressMask)); }

}  // namespace

PhysAddr EarlyFrames::take(core::PageCount count) {
  const auto start = next_;
  next_ = next_ + core::bytes_of(count);
  if (next_ > end_) panic("not enough memory to boot");
  auto* words = direct<std::uint64_t>(start);
  __builtin_memset(words, 0, core::bytes_of(count).raw());
  last_ = start;
  return start;
}

KernelTables::KernelTables(EarlyFrames& frames, const Features& features, PhysAddr top)
    : frames_(frames), root_(frames.take(core::PageCount(1))) {
  map_direct(top, features.has(Feature::GiganticPages));
  map_image();
  // Every root entry of the kernel half exists from now on, so that `share` may copy them once and for all.
  for (unsigned i = 256; i < 512; ++i) {
    auto& entry = direct<std::uint64_t>(root_)[i];
    const bool used = entry != 0 || i == (kStackRegion >> 39 & 511) || i == (kDeviceRegion >> 39 & 511);
    if (used && entry == 0) entry = frames_.take(core::PageCount(1)).raw() | kPresent | kWritable;
  }
}

std::uint64_t* KernelTables::descend(std::uint64_t address, unsigned level) {
  auto* table = direct<std::uint64_t>(root_);
  for (unsigned at = kRootLevel;; --at) {
    auto& entry = table[address >> (12 + 9 * (at - 1)) & 511];
    if (at == level) return &entry;
    if (entry == 0) entry = frames_.take(core::PageCount(1)).raw() | kPresent | kWritable;
    table = table_at(entry);
  }
}

void KernelTables::map(VirtAddr address, PhysAddr frame, KernelAccess access) {
  *descend(address.raw(), 1) = frame.raw() | bits(access);
}

VirtAddr KernelTables::map_device(PhysAddr frame, unsigned index) {
  const VirtAddr address(kDeviceRegion + index * core::kPageSize);
  map(address, frame, KernelAccess::Device);
  return address;
}

void KernelTables::share(PhysAddr user_root) const {
  __builtin_memcpy(direct<std::uint64_t>(user_root) + 256, direct<std::uint64_t>(root_) + 256,
                   256 * sizeof(std::uint64_t));
}

void KernelTables::map_image() {
  const auto end = reinterpret_cast<std::uint64_t>(kernel_end);
  for (auto at = reinterpret_cast<std::uint64_t>(kernel_start); at < end; at += core::kPageSize) {
    map(VirtAddr(at), PhysAddr(at - kKernelBase), image_access(at));
  }
}

void KernelTables::map_direct(PhysAddr top, bool gigantic) {
  const auto image_start = image_to_physical(kernel_start).raw();
  const auto image_end = image_to_physical(kernel_end).raw();
  for (std::uint64_t at = 0; at < top.raw();) {
    const bool near_image = at < image_end && at + kGiganticBytes > image_start;
    if (gigantic && at % kGiganticBytes == 0 && top.raw() - at >= kGiganticBytes && !near_image) {
      *descend(kDirectMap + at, 3) = at | bits(KernelAccess::ReadWrite) | kLarge;
      at += kGiganticBytes;
    } else if (at < image_end && at + kLargeBytes > image_start) {
      for (const auto end = at + kLargeBytes; at < end; at += core::kPageSize) {
        const bool image = at >= image_start && at < image_end;
        const auto access = image && image_access(kKernelBase + at) != KernelAccess::ReadWrite
                                ? KernelAccess::ReadOnly
                                : KernelAccess::ReadWrite;
        map(VirtAddr(kDirectMap + at), PhysAddr(at), access);
      }
    } else {
      *descend(kDirectMap + at, 2) = at | bits(KernelAccess::ReadWrite) | kLarge;
      at += kLargeBytes;
    }
  }
}

}  // namespace fb::kernel::arch

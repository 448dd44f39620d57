#include "kernel/boot/acpi.hpp"

#include <cstring>
#include <span>

#include "kernel/arch/x86_64/layout.hpp"

namespace fb::kernel::boot {
namespace {

using core::PhysAddr;
using Bytes = std::span<const std::uint8_t>;

template <class T>
T load(Bytes bytes, std::size_t offset) {
  T value{};
  if (offset + sizeof value <= bytes.size()) __builtin_memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

bool sums_to_zero(Bytes bytes) {
  std::uint8_t sum = 0;
  for (const auto byte : bytes) sum = static_cast<std::uint8_t>(sum + byte);
  return sum == 0;
}

/// A table with its header checked; empty if it is not one.
Bytes table_at(PhysAddr address, PhysAddr top) {
  constexpr std::size_t kHeader = 36;
  if (address.raw() == 0 || address.raw() + kHeader > top.raw()) return {};
  const Bytes header(arch::direct<const std::uint8_t>(address), kHeader);
  const auto length = load<std::uint32_t>(header, 4);
  if (length < kHeader || length > 1 << 20 || address.raw() + length > top.raw()) return {};
  const Bytes table(header.data(), length);
  return sums_to_zero(table) ? table : Bytes{};
}

Bytes find_table(PhysAddr rsdp, PhysAddr top, std::uint32_t signature) {
  constexpr std::size_t kRsdp = 36;
  if (rsdp.raw() == 0 || rsdp.raw() + kRsdp > top.raw()) return {};
  const Bytes pointer(arch::direct<const std::uint8_t>(rsdp), kRsdp);
  const bool extended = pointer[15] >= 2 && load<std::uint64_t>(pointer, 24) != 0;
  const auto root =
      table_at(PhysAddr(extended ? load<std::uint64_t>(pointer, 24) : load<std::uint32_t>(pointer, 16)), top);
  const std::size_t width = extended ? 8 : 4;
  for (std::size_t at = 36; at + width <= root.size(); at += width) {
    const auto table =
        table_at(PhysAddr(extended ? load<std::uint64_t>(root, at) : load<std::uint32_t>(root, at)), top);
    if (!table.empty() && load<std::uint32_t>(table, 0) == signature) return table;
  }
  return {};
}

void add_cpu(Topology& topology, std::uint32_t id, std::uint32_t flags) {
  if ((flags & 1) == 0 || topology.cpu_count == topology.cpus.size()) return;
  for (unsigned i = 0; i < topology.cpu_count; ++i) {
    if (topology.cpus[i] == arch::ApicId(id)) return;
  }
  topology.cpus[topology.cpu_count++] = arch::ApicId(id);
}

void read_entry(Topology& topology, Bytes entry) {
  enum : std::uint8_t { kLocalApic = 0, kIoApic = 1, kOverride = 2, kLocalX2Apic = 9 };
  switch (entry[0]) {
    case kLocalApic:
      return add_cpu(topology, load<std::uint8_t>(entry, 3), load<std::uint32_t>(entry, 4));
    case kLocalX2Apic:
      return add_cpu(topology, load<std::uint32_t>(entry, 4), load<std::uint32_t>(entry, 8));
    case kIoApic:
      if (load<std::uint32_t>(entry, 8) == 0) topology.io_apic = PhysAddr(load<std::uint32_t>(entry, 4));
      return;
    case kOverride: {
      const auto line = load<std::uint8_t>(entry, 3);
      const auto input = load<std::uint32_t>(entry, 4);
      const auto flags = load<std::uint16_t>(entry, 8);
      if (line >= topology.routes.size() || input >= 24) return;
      topology.routes[line] = {static_cast<std::uint8_t>(input), (flags & 3) == 3, (flags >> 2 & 3) == 3};
      return;
    }
    default:
      return;
  }
}

}  // namespace

Topology read_topology(PhysAddr rsdp, PhysAddr top, arch::ApicId boot_cpu) {
  constexpr std::uint32_t kMadt = 0x4349'5041;  // "APIC"
  constexpr std::size_t kFirstEntry = 44;
  Topology topology;
  for (std::size_t i = 0; i < topology.routes.size(); ++i)
    topology.routes[i] = {static_cast<std::uint8_t>(i), false, false};
  add_cpu(topology, boot_cpu.raw(), 1);
  const auto madt = find_table(rsdp, top, kMadt);
  if (madt.size() > kFirstEntry) topology.local_apic = PhysAddr(load<std::uint32_t>(madt, 36));
  for (std::size_t at = kFirstEntry; at + 2 <= madt.size();) {
    const std::size_t length = madt[at + 1];
    if (length < 2 || at + length > madt.size()) break;
    read_entry(topology, madt.subspan(at, length));
    at += length;
  }
  return topology;
}

}  // namespace fb::kernel::boot

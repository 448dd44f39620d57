#include "bench/kernel/bench.hpp"

namespace fb::bench {
namespace {

constexpr std::uint64_t kStackPages = 4;
constexpr std::uint64_t kInterrupt =
    60;                                // more than a turn of the loop, less than any way through the kernel
constexpr std::uint64_t kClocks = 64;  // what the kernel's conversions may round away

struct NamedRow {
  std::string_view name;
  Row run;
};
constexpr NamedRow kRows[] = {
    {"cap-check", cap_check},
    {"null-call", null_call},
    {"gate-roundtrip", gate_roundtrip},
    {"gate-10-words", gate_10_words},
    {"event-wake", event_wake},
    {"context-roundtrip", context_roundtrip},
    {"map-1", map_1},
    {"map-512", map_512},
    {"derive", derive},
    {"revoke-0", revoke_0},
    {"revoke-100", revoke_100},
    {"revoke-10000", revoke_10000},
    {"revoke-mapped-512", revoke_mapped_512},
    {"irq-off-max", irq_off_max},
    {"boot", boot},
    {"locks-1", locks_alone},
    {"locks-2", locks_together},
    {"locks-3", locks_together},
    {"locks-4", locks_together},
};

}  // namespace

Row find_row(std::string_view name) {
  for (const auto& row : kRows) {
    if (row.name == name) return row.run;
  }
  return nullptr;
}

void Bench::fail(std::string_view what, const char* why) {
  core::text::print(port, "fail\t", what, "\t", why, "\n");
  port.power_off();
}

void Bench::wait_for_slice() {
  auto before = now_ticks();
  for (unsigned interrupts = 0; interrupts < 2;) {
    const auto now = now_ticks();
    if (now - before > kInterrupt && ++interrupts == 2) break;
    before = now;
  }
  quiet_until = before + slice_ticks - kClocks;
}

void Bench::trace_point() {
  core::text::print(port, "trace\n");
  static_cast<void>(port.get());
}

void Bench::report(std::string_view name, std::uint64_t per) {
  auto summary = samples.summary();
  summary.median = (summary.median + per / 2) / per;
  summary.worst = (summary.worst + per / 2) / per;
  report(name, summary);
}

void Bench::report(std::string_view name, const Summary& s) {
  core::text::print(port, "row\t", name, "\t", s.median, "\t", s.worst, "\t", s.repetitions, "\t",
                    s.disturbed, "\n");
}

exo_cap Bench::pages(std::uint64_t count) {
  exo_cap made = 0;
  must(exo_alloc_mem_pages(count, EXO_PAGE_FLAGS_SHARED, &made), "alloc_mem_pages");
  return made;
}

void* Bench::mapped(exo_cap run, std::uint64_t count) {
  const auto address = next_address_;
  next_address_ += (count + 1) * core::kPageSize;
  for (std::uint64_t done = 0; done < count; done += 64) {
    const auto now = count - done < 64 ? count - done : 64;
    must(exo_map_pages(space, run, address + done * core::kPageSize, done, now, kReadWrite), "map_pages");
  }
  return reinterpret_cast<void*>(address);
}

exo_cap Bench::address_space() {
  exo_cap made = 0;
  must(exo_address_space_create(&made), "address_space_create");
  return made;
}

exo_cap Bench::event() {
  exo_cap made = 0;
  must(exo_event_create(&made), "event_create");
  return made;
}

exo_cap Bench::derive(exo_cap source) {
  exo_cap made = 0;
  must(exo_cap_derive(source, EXO_RIGHT_ALL & ~EXO_RIGHT_ONCE, 0, &made), "cap_derive");
  return made;
}

void Bench::install(exo_cap target, std::uint64_t address, void (*code)(), void (*end)()) {
  const auto page = pages(1);
  auto* const window = static_cast<unsigned char*>(mapped(page, 1));
  const auto start = reinterpret_cast<std::uint64_t>(code);
  __builtin_memcpy(window, reinterpret_cast<const void*>(start),
                   reinterpret_cast<std::uint64_t>(end) - start);
  std::uint64_t unmapped = 0;
  must(exo_unmap_pages(space, reinterpret_cast<std::uint64_t>(window), 1, &unmapped), "unmap_pages");
  must(exo_map_pages(target, page, address, 0, 1, kReadExecute), "map_pages");
}

exo_cap Bench::thread(exo_cap area_pages, std::uint64_t slot, void (*entry)(Bench*), std::uint64_t cpu) {
  exo_cap made = 0;
  must(exo_alloc_cpu_context(domain, space, area_pages, 0, &made), "alloc_cpu_context");
  const auto stack = reinterpret_cast<std::uint64_t>(mapped(pages(kStackPages), kStackPages)) +
                     kStackPages * core::kPageSize;
  must(exo_slice_assign(budget, cpu, slot, made), "slice_assign");
  // As after a call: the return address that a function expects at its stack pointer.
  must(exo_context_start(made, reinterpret_cast<std::uint64_t>(entry), stack - 8,
                         reinterpret_cast<std::uint64_t>(this)),
       "context_start");
  return made;
}

std::uint64_t Bench::info(exo_info which) {
  std::uint64_t value = 0;
  must(exo_machine_info(which, &value), "machine_info");
  return value;
}

}  // namespace fb::bench

// How long ring 0 keeps interrupts off: a timer is made to fall due at every phase of the longest operations, and the
// kernel says how late the latest of its interrupts came.
#include "abi/calls.hpp"
#include "bench/kernel/probe.hpp"
#include "bench/kernel/programs.h"

namespace fb::bench {
namespace {

static_assert(BENCH_CALL_EVENT_WAIT == EXO_CALL_EVENT_WAIT);

using abi::CallNumber;
using abi::calls::entry_of;

constexpr std::uint64_t kStart = 0x4000'0000;
constexpr std::uint64_t kBatch = EXO_RING_ENTRIES;
constexpr std::uint64_t kMost = 64;  // pages that one call maps

constexpr unsigned kCaps = 3000, kContexts = 60, kServers = 60;
constexpr unsigned kWaiters = 256, kGroups = 32;
constexpr std::uint64_t kNobody = std::uint64_t{1} << 63, kEverybody = ~std::uint64_t{0} >> kGroups;
constexpr unsigned kTimers = 10'000;

void nothing(unsigned) {}

std::uint64_t whole_batch(Bench& bench) {
  std::uint64_t done = 0;
  const auto status = exo_ring_submit(kBatch, &done);
  return status != EXO_OK ? status : done == kBatch ? EXO_OK : bench.ring->entries[done].status;
}

void probe_memory(Bench& bench, Probe& probe) {
  const auto space = bench.address_space();
  const auto run = bench.pages(kMost);
  std::uint64_t ignored = 0;
  const auto map = [&](unsigned) { return exo_map_pages(space, run, kStart, 0, kMost, kReadWrite); };
  const auto unmap = [&](unsigned) { return exo_unmap_pages(space, kStart, kMost, &ignored); };
  const auto prepare = [&](unsigned i) { bench.must(map(i), "map_pages"); };
  const auto undo = [&](unsigned i) { bench.must(unmap(i), "unmap_pages"); };
  probe.run("map-64", 200, nothing, map, undo);
  probe.run("unmap-64", 200, prepare, unmap, nothing);
  probe.run(
      "protect-64", 200, prepare,
      [&](unsigned) { return exo_protect_pages(space, kStart, kMost, EXO_ACCESS_READ, &ignored); }, undo);

  exo_cap large = 0;
  probe.run(
      "alloc-8192", 4, nothing, [&](unsigned) { return exo_alloc_mem_pages(8192, 0, &large); },
      [&](unsigned) { bench.must(exo_free_mem_pages(large), "free_mem_pages"); });
  probe.run(
      "free-8192", 40, [&](unsigned) { bench.must(exo_alloc_mem_pages(8192, 0, &large), "alloc_mem_pages"); },
      [&](unsigned) { return exo_free_mem_pages(large); }, nothing);
}

/// As much as one call copies.
exo_transfer copy_of(exo_cap target, std::uint64_t offset, exo_cap source) {
  exo_transfer made{};
  made.dst_pages = target;
  made.dst_offset = offset;
  made.src_pages = source;
  made.count = std::uint64_t{32} * 1024;
  return made;
}

void probe_transfer(Bench& bench, Probe& probe) {
  const auto source = bench.pages(kMost);
  const auto target = bench.pages(kMost);
  std::uint64_t ignored = 0;
  auto& transfer = bench.area->transfer;
  transfer = copy_of(target, 0, source);
  probe.run("transfer-32k", 200, [&](unsigned) { return exo_transfer_data(&ignored); });
  transfer = copy_of(target, 1, target);
  probe.run("transfer-32k-overlapping", 200, [&](unsigned) { return exo_transfer_data(&ignored); });

  const auto from = bench.address_space();
  const auto to = bench.address_space();
  bench.must(exo_map_pages(from, source, kStart, 0, 32, kReadWrite), "map_pages");
  probe.run("transfer-move", 200, [&](unsigned i) {
    const bool back = i % 2 != 0;
    transfer = {.dst_space = back ? from : to,
                .dst_pages = source,
                .dst_offset = kStart,
                .src_space = back ? to : from,
                .src_pages = source,
                .src_offset = kStart,
                .count = 32 * core::kPageSize,
                .flags = EXO_TRANSFER_FLAGS_MOVE};
    return exo_transfer_data(&ignored);
  });
}

/// As much as one trap can ask for.
void probe_batches(Bench& bench, Probe& probe) {
  const auto space = bench.address_space();
  const auto run = bench.pages(kMost);
  auto& entries = bench.ring->entries;
  std::uint64_t pages = kMost;  // of each entry
  const auto fill_map = [&](unsigned) {
    for (std::uint64_t k = 0; k < kBatch; ++k) {
      entries[k] = entry_of(CallNumber::MapPages, space, run, kStart + k * pages * core::kPageSize,
                            std::uint64_t{0}, pages, kReadWrite);
    }
  };
  const auto fill_unmap = [&](unsigned) {
    for (std::uint64_t k = 0; k < kBatch; ++k)
      entries[k] = entry_of(CallNumber::UnmapPages, space, kStart + k * pages * core::kPageSize, pages);
  };
  const auto submit = [&](unsigned) { return whole_batch(bench); };
  const auto submit_or_fail = [&](unsigned) { bench.must(whole_batch(bench), "ring_submit"); };
  const auto probe_both = [&](std::string_view map, std::string_view unmap, unsigned count) {
    probe.run(map, count, fill_map, submit, [&](unsigned i) { fill_unmap(i), submit_or_fail(i); });
    probe.run(
        unmap, count, [&](unsigned i) { fill_map(i), submit_or_fail(i), fill_unmap(i); }, submit, nothing);
  };
  probe_both("batch-of-64-map-64", "batch-of-64-unmap-64", 10);
  pages = 1;
  probe_both("batch-of-64-map-1", "batch-of-64-unmap-1", 100);

  const auto target = bench.pages(kMost);
  bench.area->transfer = copy_of(target, 0, run);
  for (auto& entry : entries) entry = entry_of(CallNumber::TransferData);
  probe.run("batch-of-64-transfers", 10, submit);
  for (auto& entry : entries) entry = entry_of(CallNumber::AllocMemPages, std::uint64_t{8}, std::uint64_t{0});
  probe.run("batch-of-64-alloc-8", 10, nothing, submit, [&](unsigned) {
    for (const auto& entry : entries) bench.must(exo_free_mem_pages(entry.result), "free_mem_pages");
  });
}

void probe_revocation(Bench& bench, Probe& probe) {
  const auto event = bench.event();
  exo_cap parent = 0;
  probe.run(
      "revoke-10000", 3,
      [&](unsigned) {
        parent = bench.derive(event);
        for (unsigned i = 0; i < 10'000; ++i) static_cast<void>(bench.derive(parent));
      },
      [&](unsigned) { return exo_cap_revoke(parent); }, nothing);

  const auto space = bench.address_space();
  const auto run = bench.pages(512);
  probe.run(
      "revoke-mapped-512", 40,
      [&](unsigned) {
        parent = bench.derive(run);
        for (std::uint64_t done = 0; done < 512; done += kMost) {
          bench.must(exo_map_pages(space, parent, kStart + done * core::kPageSize, done, kMost, kReadWrite),
                     "map_pages");
        }
      },
      [&](unsigned) { return exo_cap_revoke(parent); }, nothing);

  exo_cap doomed = 0;
  probe.run(
      "destroy-space-4096-pages", 6,
      [&](unsigned) {
        doomed = bench.address_space();
        // Far apart, so that tables are taken apart as well.
        for (std::uint64_t k = 0; k < 64; ++k) {
          bench.must(exo_map_pages(doomed, run, kStart + (k << 30), 0, kMost, kReadWrite), "map_pages");
        }
      },
      [&](unsigned) { return exo_cap_drop(doomed); }, nothing);
}

void probe_domains(Bench& bench, Probe& probe) {
  const auto event = bench.event();
  const auto space = bench.address_space();
  exo_cap budget = 0, domain = 0, made = 0, gate = 0;
  const auto furnish = [&](unsigned) {
    bench.must(exo_budget_create(bench.budget, 1000, &budget), "budget_create");
    bench.must(exo_domain_create(budget, EXO_CAP_ROOT, &domain), "domain_create");
    for (unsigned i = 0; i < kCaps; ++i) {
      bench.must(exo_cap_derive(event, EXO_RIGHT_SEND | EXO_RIGHT_DERIVE, domain, &made), "cap_derive");
    }
    bench.must(exo_gate_create(domain, kStart, 0, &gate), "gate_create");
    for (unsigned i = 0; i < kContexts + kServers; ++i) {
      bench.must(exo_alloc_cpu_context(domain, space, 0, 0, &made), "alloc_cpu_context");
      if (i < kServers) bench.must(exo_gate_add_server(gate, made, kStart), "gate_add_server");
    }
  };
  probe.run(
      "destroy-domain-3000-capabilities", 4, furnish, [&](unsigned) { return exo_cap_drop(domain); },
      [&](unsigned) { bench.must(exo_cap_drop(budget), "cap_drop"); });
  probe.run(
      "destroy-budget-with-domain", 4, furnish, [&](unsigned) { return exo_cap_drop(budget); }, nothing);
  probe.run(
      "destroy-gate-60-servers", 8, furnish, [&](unsigned) { return exo_cap_drop(gate); },
      [&](unsigned) { bench.must(exo_cap_drop(budget), "cap_drop"); });
}

/// Many waiters of one event: contexts that were run until they waited, 32 groups of them, each for a bit of its own. A
/// bit goes to one waiter, so that a signal wakes at most one of each group, but may have to look at all.
void probe_events(Bench& bench, Probe& probe) {
  struct Waiting {
    exo_cap event;
    std::uint64_t mask;
  };
  static Waiting waiting[kGroups];
  static exo_cap waiters[kWaiters];
  const auto event = bench.event();
  for (unsigned i = 0; i < kGroups; ++i) waiting[i] = {event, std::uint64_t{1} << i};
  for (unsigned i = 0; i < kWaiters; ++i) {
    bench.must(exo_alloc_cpu_context(bench.domain, bench.space, 0, 0, &waiters[i]), "alloc_cpu_context");
    bench.must(exo_context_start(waiters[i], reinterpret_cast<std::uint64_t>(&bench_waiter), kStart,
                                 reinterpret_cast<std::uint64_t>(&waiting[i % kGroups])),
               "context_start");
  }
  const auto all_wait = [&](unsigned) {
    for (const auto waiter : waiters) {
      // Its slice may end meanwhile: then it is run again.
      for (std::uint64_t stop = EXO_STOP_PREEMPTED; stop != EXO_STOP_HALTED;) {
        bench.must(exo_context_run(waiter, EXO_NEVER, 0, &stop), "context_run");
      }
    }
  };
  all_wait(0);
  // A bit that stays pending is offered once only: it has to be taken.
  std::uint64_t bits = 0;
  probe.run(
      "signal-past-256-waiters", 60, nothing, [&](unsigned) { return exo_event_deliver(event, kNobody); },
      [&](unsigned) { bench.must(exo_event_wait(event, kNobody, 0, &bits), "event_wait"); });
  probe.run(
      "signal-waking-32-of-256", 60, all_wait, [&](unsigned) { return exo_event_deliver(event, kEverybody); },
      nothing);
}

/// 10,000 timers that fall due at once.
void probe_timers(Bench& bench, Probe& probe) {
  static exo_cap timers[kTimers];
  const auto event = bench.event();
  for (auto& timer : timers) bench.must(exo_timer_create(event, 0, &timer), "timer_create");
  for (unsigned round = 0; round < 3; ++round) {
    std::uint64_t now = 0;
    bench.must(exo_get_system_time(EXO_CLOCK_MONOTONIC, &now), "get_system_time");
    const auto due = now + 60'000'000;
    for (const auto timer : timers) bench.must(exo_timer_arm(timer, due, 0), "timer_arm");
    while (now < due + 20'000'000)
      bench.must(exo_get_system_time(EXO_CLOCK_MONOTONIC, &now), "get_system_time");
  }
  probe.settle("10000-timers-at-once", 3);
}

}  // namespace

void irq_off_max(Bench& bench) {
  Probe probe(bench);
  probe_memory(bench, probe);
  probe_transfer(bench, probe);
  probe_revocation(bench, probe);
  probe_domains(bench, probe);
  probe_events(bench, probe);
  probe_timers(bench, probe);
  probe_batches(bench, probe);
  bench.report("irq-off-max", probe.worst());
}

}  // namespace fb::bench

// Mapping pages, one by one and in batches, and taking mapped pages away.
#include "abi/calls.hpp"
#include "bench/kernel/bench.hpp"

namespace fb::bench {
namespace {

constexpr std::uint64_t kTablePages = 512;  // what one page table maps
constexpr std::uint64_t kTableBytes = kTablePages * core::kPageSize;
constexpr unsigned kRepetitions = 1100;
constexpr unsigned kBatchRepetitions = 20;  // of 512 pages
constexpr std::uint64_t kStart = 0x4000'0000;

void unmap(Bench& bench, exo_cap space, std::uint64_t address, std::uint64_t count) {
  std::uint64_t unmapped = 0;
  for (std::uint64_t done = 0; done < count; done += 64) {
    const auto now = count - done < 64 ? count - done : 64;
    bench.must(exo_unmap_pages(space, address + done * core::kPageSize, now, &unmapped), "unmap_pages");
    if (unmapped != now) bench.fail("unmap_pages", "not all pages were mapped");
  }
}

}  // namespace

/// Pages side by side, each a repetition: every 512th needs a new page table, which is the worst case.
void map_1(Bench& bench) {
  const auto space = bench.address_space();
  const auto page = bench.pages(1);
  bench.repeat(kRepetitions, [=](unsigned i) {
    return exo_map_pages(space, page, kStart + i * core::kPageSize, 0, 1, kReadWrite);
  });
  bench.report("map-1");
}

/// 512 objects of one page each. The entries of the call ring are there; page and address are put in.
void map_512(Bench& bench) {
  static exo_cap pages[kTablePages];
  for (auto& page : pages) page = bench.pages(1);
  const auto space = bench.address_space();
  for (auto& entry : bench.ring->entries) {
    entry = {.call = EXO_CALL_MAP_PAGES, .status = 0, .args = {space, 0, 0, 0, 1, kReadWrite}, .result = 0};
  }
  auto* const entries = bench.ring->entries;
  bench.repeat(
      kBatchRepetitions, [](unsigned) {},
      [&](unsigned i) {
        auto address = kStart + i * kTableBytes;
        std::uint64_t bad = 0;
        for (unsigned batch = 0; batch < kTablePages; batch += EXO_RING_ENTRIES) {
          for (unsigned k = 0; k < EXO_RING_ENTRIES; ++k, address += core::kPageSize) {
            entries[k].args[1] = pages[batch + k];
            entries[k].args[2] = address;
          }
          std::uint64_t done = 0;
          bad |= exo_ring_submit(EXO_RING_ENTRIES, &done) | (done ^ EXO_RING_ENTRIES);
        }
        return bad;
      },
      [&](unsigned i) { unmap(bench, space, kStart + i * kTableBytes, kTablePages); });
  bench.report("map-512", kTablePages);
}

/// One run of 512 pages, mapped through a derived capability, which is revoked: with clean-up.
void revoke_mapped_512(Bench& bench) {
  const auto space = bench.address_space();
  const auto run = bench.pages(kTablePages);
  exo_cap window = 0;
  bench.repeat(
      kBatchRepetitions,
      [&](unsigned) {
        window = bench.derive(run);
        for (std::uint64_t done = 0; done < kTablePages; done += 64) {
          bench.must(exo_map_pages(space, window, kStart + done * core::kPageSize, done, 64, kReadWrite),
                     "map_pages");
        }
      },
      [&](unsigned) { return exo_cap_revoke(window); },
      [&](unsigned) {
        std::uint64_t left = 0;
        bench.must(exo_unmap_pages(space, kStart, 64, &left), "unmap_pages");
        if (left != 0) bench.fail("cap_revoke", "pages stayed mapped");
      });
  bench.report("revoke-mapped-512", kTablePages);
}

}  // namespace fb::bench

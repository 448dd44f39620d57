// Rows that are one call in one domain.
#include <utility>

#include "bench/kernel/bench.hpp"

namespace fb::bench {
namespace {

constexpr unsigned kRepetitions = 1000;
constexpr std::uint64_t kGeneration = 512;  // capabilities derived before they are thrown away together

}  // namespace

void null_call(Bench& bench) {
  bench.repeat(kRepetitions, [](unsigned) { return exo_null(); });
  bench.report("null-call");
}

/// The check alone: a call that does nothing else, less a call that does nothing, with the same registers loaded.
void cap_check(Bench& bench) {
  const auto event = bench.event();
  const auto need = EXO_NEED(EXO_TYPE_EVENT, EXO_RIGHT_SEND);
  const bool tracing = std::exchange(bench.tracing, false);
  bench.repeat(kRepetitions, [=](unsigned) { return exo_syscall2(EXO_CALL_NULL, event, need).status; });
  bench.tracing = tracing;
  const auto null = bench.samples.summary().median;
  bench.repeat(kRepetitions, [=](unsigned) { return exo_cap_check(event, need); });
  auto check = bench.samples.summary();
  bench.note("cap-check: the whole call ", check.median, ", the null call ", null);
  check.median -= null;
  check.worst -= null;
  bench.report("cap-check", check);
}

/// Slots are not given back between repetitions, so that the worst one includes a growing capability space.
void derive(Bench& bench) {
  const auto event = bench.event();
  exo_cap parent = bench.derive(event);
  exo_cap made = 0;
  bench.repeat(
      kRepetitions, [](unsigned) {},
      [&](unsigned) { return exo_cap_derive(parent, EXO_RIGHT_SEND, 0, &made); },
      [&](unsigned i) {
        if ((i + 1) % kGeneration != 0) return;
        bench.must(exo_cap_revoke(parent), "cap_revoke");
        parent = bench.derive(event);
      });
  bench.report("derive");
}

void boot(Bench& bench) {
  const auto ticks = bench.info(EXO_INFO_BOOT_TICKS);
  bench.report("boot", Summary{ticks, ticks, 1, 0});
}

}  // namespace fb::bench

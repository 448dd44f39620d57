// A carrier runs a program, which makes a system call.
#include <utility>

#include "bench/kernel/bench.hpp"
#include "bench/kernel/programs.h"

namespace fb::bench {
namespace {

constexpr unsigned kRepetitions = 1000;
constexpr std::uint64_t kCode = 0x1000'0000;          // no address of this program: a trace tells them apart
constexpr std::uint64_t kFarAway = 3600'000'000'000;  // nanoseconds: a real deadline, as a scheduler gives
constexpr std::uint64_t kFlags = 0x202;

}  // namespace

/// The program has vector state and a deadline, as those of a LibOS have. It does two instructions a round.
void context_roundtrip(Bench& bench) {
  const auto space = bench.address_space();
  bench.install(space, kCode, bench_caller, bench_caller_end);
  const auto pages = bench.pages(1);
  auto& area = *static_cast<exo_area*>(bench.mapped(pages, 1));
  exo_cap context = 0;
  bench.must(
      exo_alloc_cpu_context(0, space, pages, EXO_CONTEXT_FLAGS_REFLECT | EXO_CONTEXT_FLAGS_VECTOR, &context),
      "alloc_cpu_context");
  area.frame.rip = kCode;
  area.frame.rflags = kFlags;
  std::uint64_t stop = 0;
  const bool tracing = std::exchange(bench.tracing, false);
  bench.repeat(kRepetitions, [&](unsigned) { return exo_context_run(context, EXO_NEVER, 0, &stop); });
  bench.note("context-roundtrip: without a deadline ", bench.samples.summary().median);
  bench.tracing = tracing;
  bench.repeat(kRepetitions, [&](unsigned) { return exo_context_run(context, kFarAway, 0, &stop); });
  if (stop != EXO_STOP_SYSCALL) bench.fail("context_run", "it did not stop at a system call");
  bench.report("context-roundtrip");
}

}  // namespace fb::bench

// A call into another domain and its reply.
#include "bench/kernel/bench.hpp"
#include "bench/kernel/programs.h"

namespace fb::bench {
namespace {

static_assert(BENCH_CALL_GATE_REPLY == EXO_CALL_GATE_REPLY);
constexpr unsigned kRepetitions = 1000;
constexpr std::uint64_t kCode = 0x1000'0000, kServerArea = 0x1001'0000, kStack = 0x1002'0000;
constexpr std::uint64_t kBudget = 64;

/// A gate into a domain with an address space of its own. The server replies at once.
exo_cap make_gate(Bench& bench) {
  exo_cap budget = 0;
  exo_cap domain = 0;
  exo_cap server = 0;
  exo_cap gate = 0;
  bench.must(exo_budget_create(bench.budget, kBudget, &budget), "budget_create");
  bench.must(exo_domain_create(budget, 0, &domain), "domain_create");
  const auto space = bench.address_space();
  bench.install(space, kCode, bench_server, bench_server_end);
  const auto area = bench.pages(1);
  bench.must(exo_map_pages(space, area, kServerArea, 0, 1, kReadWrite), "map_pages");
  bench.must(exo_alloc_cpu_context(domain, space, area, 0, &server), "alloc_cpu_context");
  bench.must(exo_gate_create(domain, kCode, 1, &gate), "gate_create");
  bench.must(exo_gate_add_server(gate, server, kStack), "gate_add_server");
  return gate;
}

}  // namespace

void gate_roundtrip(Bench& bench) {
  const auto gate = make_gate(bench);
  exo_words words{{1, 2, 3, 4, 5, 6}, 0};
  bench.repeat(kRepetitions, [&](unsigned) { return exo_cap_invoke(gate, &words); });
  std::uint64_t expected = 1;
  for (const auto word : words.w) {
    if (word != expected++) bench.fail("gate-roundtrip", "the words did not come back");
  }
  bench.report("gate-roundtrip");
}

/// Ten words there and ten back: writing the last four to the area is part of it.
void gate_10_words(Bench& bench) {
  const auto gate = make_gate(bench);
  exo_words words{{1, 2, 3, 4, 5, 6}, 4};
  auto& area = bench.area->message;
  bench.repeat(kRepetitions, [&](unsigned i) {
    for (auto& word : area.words) word = i;
    return exo_cap_invoke(gate, &words);
  });
  if (words.w[5] != 6 || area.words[3] != kRepetitions)
    bench.fail("gate-10-words", "the words did not come back");
  bench.report("gate-10-words");
}

}  // namespace fb::bench

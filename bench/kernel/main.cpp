// The bench program: the first domain of a boot archive of its own. Its arguments are the kernel's command line: the name
// of one row, then perhaps `trace`.
#include "bench/kernel/bench.hpp"

namespace fb::bench {
namespace {

constexpr std::uint64_t kMeasureSlot = 1;
constexpr std::uint64_t kAreaPages = 2;

constinit Bench the_bench{};

/// The first word, which is taken off the text.
std::string_view next_word(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  std::size_t size = 0;
  while (size != text.size() && text[size] != ' ') ++size;
  const auto word = text.substr(0, size);
  text.remove_prefix(size);
  return word;
}

void calibrate(Bench& bench) {
  const auto per_second = bench.info(EXO_INFO_TICKS_PER_SECOND);
  bench.slice_ticks = bench.info(EXO_INFO_SLICE_NANOSECONDS) * (per_second / 1'000'000) / 1000;
  bench.empty = 0;
  bench.samples.clear();
  for (unsigned i = 0; i < 8; ++i) {
    const auto opened = open_window();
    const auto closed = close_window();
    bench.samples.add(closed - opened, false);
  }
  const auto summary = bench.samples.summary();
  if (summary.worst != summary.median)
    bench.fail("the empty window", "it does not always count the same: no -icount?");
  bench.empty = summary.median;
}

void measure(Bench* bench) {
  calibrate(*bench);
  find_row(bench->row)(*bench);
  core::text::print(bench->port, "done\n");
  bench->port.power_off();
}

}  // namespace
}  // namespace fb::bench

// The first context has no area, so no call ring: another one measures.
int fb_main(const fb::libos::rt::Environment& environment) {
  using fb::bench::Bench;
  Bench& bench = fb::bench::the_bench;
  bench.domain = environment.domain.raw();
  bench.space = environment.space.raw();
  bench.budget = environment.budget.raw();
  if (bench.port.open() != EXO_OK) __builtin_trap();
  auto rest = environment.arguments;
  bench.row = fb::bench::next_word(rest);
  bench.tracing = fb::bench::next_word(rest) == "trace";
  if (fb::bench::find_row(bench.row) == nullptr) bench.fail(bench.row, "no such row");
  const auto area = bench.pages(fb::bench::kAreaPages);
  bench.area = static_cast<exo_area*>(bench.mapped(area, fb::bench::kAreaPages));
  bench.ring = reinterpret_cast<exo_ring*>(reinterpret_cast<char*>(bench.area) + fb::core::kPageSize);
  static_cast<void>(bench.thread(area, fb::bench::kMeasureSlot, fb::bench::measure));
  for (;;) bench.must(exo_context_stop(environment.context.raw()), "context_stop");
}

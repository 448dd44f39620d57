#include "tests/system/harness/tap.hpp"

#include "tests/system/harness/state.hpp"

namespace fb::test {
namespace {

constexpr std::uint32_t kReported = 20;  // failures of one test that are told one by one

}  // namespace

constinit State state;

Case::Case(const char* n, void (*b)(), const char* t) : name(n), body(b), todo(t) {
  (state.last_case == nullptr ? state.first_case : state.last_case->next) = this;
  state.last_case = this;
}

void note(std::string_view text) {
  // relaxed: the line is handed over by `ready`.
  const auto number = state.lines_claimed.fetch_add(1, std::memory_order_relaxed);
  if (number >= kLines) return;
  Line& line = state.lines[number];
  line.size = std::min(text.size(), sizeof line.text);
  for (std::size_t i = 0; i != line.size; ++i) line.text[i] = text[i] == '\n' ? ' ' : text[i];
  line.ready.store(true, std::memory_order_release);
}

void report_failure(Where where, std::string_view text) {
  // relaxed: a count; the supervisor reads it after the test's end was signalled.
  const auto before = state.failures.fetch_add(1, std::memory_order_relaxed);
  if (before < kReported) diag(where.file_name(), ":", std::uint64_t{where.line()}, ": ", text);
  if (before == kReported) note("more failures are not shown");
}

std::uint32_t failures() { return state.failures.load(std::memory_order_relaxed); }

void end_context() {
  // A context of the first domain that may stop itself says so with its number; any other faults, which ends it too.
  __builtin_trap();
}

void skip(const char* reason) {
  state.skipped = reason;
  __builtin_trap();
}

}  // namespace fb::test

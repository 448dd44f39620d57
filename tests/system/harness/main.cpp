// The supervisor: runs the registered tests one after the other and prints what became of them.
#include "libos/rt/environment.hpp"
#include "tests/system/harness/image.hpp"
#include "tests/system/harness/raw.hpp"
#include "tests/system/harness/serial.hpp"
#include "tests/system/harness/state.hpp"
#include "tests/system/harness/worker.hpp"

namespace fb::test {
namespace {

constexpr core::Nanoseconds kLookAgain{200'000'000};
constexpr unsigned kLooksBetweenNotes = 50;  // a test that hangs shows where, each ten seconds or so

template <class... Ts>
void say(const Ts&... pieces) {
  char line[240];
  print_line(core::text::format_to(line, pieces...));
}

/// Prints lines that are complete, in order, from `from` on; the number of the first that was not printed.
std::uint32_t print_notes(std::uint32_t from) {
  while (from < kLines && state.lines[from].ready.load(std::memory_order_acquire)) {
    const Line& line = state.lines[from++];
    say("# ", std::string_view(line.text, line.size));
  }
  return from;
}

void clear_notes() {
  for (Line& line : state.lines) line.ready.store(false, std::memory_order_relaxed);
  state.lines_claimed.store(0, std::memory_order_relaxed);
}

constinit const Case* running = nullptr;

constinit Start* started = nullptr;

void run_body(Start&) { running->body(); }

/// Waits for the test's end, printing what it notes meanwhile.
void watch(Worker& worker) {
  std::uint32_t printed = 0;
  for (unsigned looks = 1;; ++looks) {
    const auto now = abi::calls::get_system_time(abi::Clock::Monotonic).value_or(0);
    const auto ended =
        abi::calls::event_wait(worker.ended(), abi::EventBits(1), core::Nanoseconds(now) + kLookAgain);
    printed = print_notes(printed);
    if (ended) break;
    if (looks % kLooksBetweenNotes != 0) continue;
    const auto at = abi::calls::context_query(worker.context(), 2).value_or(0);
    const auto chain = abi::calls::context_query(worker.context(), 0).value_or(0) & 0xff;
    say("# still running: ", running->name, ", state ", chain, ", rip ", core::text::hex(at));
  }
  if (worker.start().phase.load(std::memory_order_acquire) != 2 && state.skipped == nullptr &&
      failures() == 0) {
    const auto at = abi::calls::context_query(worker.context(), 2).value_or(0);
    report_failure(Where::current(), "the test did not come to its end");
    diag("vector ", std::uint64_t{worker.fault_vector()}, ", rip ", core::text::hex(at), ", address ",
         core::text::hex(worker.fault_address()));
  }
  (void)print_notes(printed);
  const auto lines = state.lines_claimed.load(std::memory_order_relaxed);
  if (lines > kLines) say("# ", std::uint64_t{lines - kLines}, " more lines were dropped");
}

/// True if it does not fail the run.
bool run_case(const Case& test, std::uint64_t number) {
  clear_notes();
  state.failures.store(0, std::memory_order_relaxed);
  state.skipped = nullptr;
  running = &test;
  {
    Worker worker;
    started = &worker.start();
    worker.run(&run_body);
    watch(worker);
  }
  const bool good = failures() == 0;
  const std::string_view verdict = good ? "ok " : "not ok ";
  if (state.skipped != nullptr && good) {
    say(verdict, number, " - ", test.name, " # SKIP ", state.skipped);
  } else if (test.todo != nullptr) {
    say(verdict, number, " - ", test.name, " # TODO ", test.todo);
  } else {
    say(verdict, number, " - ", test.name);
  }
  return good || test.todo != nullptr;
}

}  // namespace

Start& test_start() { return *started; }

}  // namespace fb::test

int fb_main(const fb::libos::rt::Environment& environment) {
  using namespace fb::test;
  open_devices();
  if (const auto adopted = adopt_image(); !adopted) {
    say("Bail out! the harness cannot adopt its image: ", fb::core::name_of(adopted.error()));
    power_off(false);
  }
  open_nap();
  std::uint64_t count = 0, number = 0, failed = 0;
  for (const Case* at = state.first_case; at != nullptr; at = at->next) ++count;
  say("TAP version 14");
  say("1..", count);
  say("# ", environment.cpus, " CPUs, ", fb::abi::calls::machine_info(fb::abi::Info::FreePages).value_or(0),
      " free pages");
  for (const Case* at = state.first_case; at != nullptr; at = at->next) {
    if (!run_case(*at, ++number)) ++failed;
  }
  power_off(failed == 0);
}

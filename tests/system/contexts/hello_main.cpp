// The tests of this program run in the first domain's own context, one after the other: the archive with busybox in it
// is larger than what the harness adopts at once.
#include "libos/rt/environment.hpp"
#include "tests/system/harness/serial.hpp"
#include "tests/system/harness/state.hpp"

namespace {

using namespace fb::test;

template <class... Ts>
void say(const Ts&... pieces) {
  char line[240];
  print_line(fb::core::text::format_to(line, pieces...));
}

}  // namespace

int fb_main(const fb::libos::rt::Environment&) {
  open_devices();
  std::uint64_t count = 0, number = 0, failed = 0;
  for (const Case* at = state.first_case; at != nullptr; at = at->next) ++count;
  say("TAP version 14");
  say("1..", count);
  for (const Case* at = state.first_case; at != nullptr; at = at->next) {
    state.failures.store(0);
    state.lines_claimed.store(0);
    at->body();
    for (std::uint32_t i = 0; i != state.lines_claimed.load(); ++i)
      say("# ", std::string_view(state.lines[i].text, state.lines[i].size));
    const bool good = failures() == 0;
    failed += good ? 0 : 1;
    say(good ? "ok " : "not ok ", ++number, " - ", at->name);
  }
  power_off(failed == 0);
}

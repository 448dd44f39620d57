// Counts, one number per tick of a timer: `count [LIMIT [MILLISECONDS]]`.
#include "core/text/parse.hpp"
#include "core/text/write.hpp"
#include "libos/rt/console.hpp"
#include "libos/rt/machine.hpp"
#include "libos/rt/owned.hpp"

namespace {

using namespace fb;
constexpr abi::Bit kTick{libos::rt::kFirstOwnBit};

core::Result<> count(const libos::rt::Environment& environment, std::uint64_t limit,
                     core::Nanoseconds period) {
  FB_ASSIGN(const auto timer, libos::rt::own(abi::calls::timer_create(environment.event, kTick)));
  FB_TRY(abi::calls::timer_arm(timer.get(), libos::rt::now() + period, period));
  for (std::uint64_t i = 1; i <= limit; ++i) {
    FB_TRY(abi::calls::event_wait(environment.event, abi::EventBits(std::uint64_t{1} << kTick.raw()),
                                  abi::kNever));
    core::text::print(libos::rt::console(), i, "\n");
  }
  return {};
}

}  // namespace

int fb_main(const libos::rt::Environment& environment) {
  std::uint64_t numbers[2] = {10, 1000};
  std::size_t given = 0;
  for (const std::string_view word : core::text::split_words(environment.arguments)) {
    const auto number = core::text::parse_decimal(word);
    if (!number || given == 2) {
      libos::rt::console().put("usage: count [LIMIT [MILLISECONDS]]\n");
      return 2;
    }
    numbers[given++] = *number;
  }
  const auto counted = count(environment, numbers[0], core::Nanoseconds(numbers[1] * 1'000'000));
  if (counted) return 0;
  core::text::print(libos::rt::console(), "count: ", core::describe(counted.error()), "\n");
  return 1;
}

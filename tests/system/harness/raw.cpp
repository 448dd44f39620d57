#include "tests/system/harness/raw.hpp"

namespace fb::test {
namespace {

constinit std::atomic<std::uint64_t> nap_event{0};
constexpr std::uint64_t kNapBit = std::uint64_t{1} << 63, kNap = 100'000;

}  // namespace

void open_nap() { nap_event = need(calls::event_create()).raw(); }

void nap() {
  const auto until = calls::get_system_time(abi::Clock::Monotonic).value_or(0) + kNap;
  const auto waited =
      calls::event_wait(Cap<T::Event>(nap_event.load()), abi::EventBits(kNapBit), core::Nanoseconds(until));
  if (!waited && waited.error() != Error::TimedOut) static_cast<void>(calls::yield());  // of another domain
}

}  // namespace fb::test

#include "libos/rt/console.hpp"

#include <algorithm>

namespace fb::libos::rt {
namespace {

// A signal can come before its wait, and the other side can die: no wait is for ever without looking again.
constexpr core::Nanoseconds kLookAgain{20'000'000};

}  // namespace

core::Result<abi::EventBits> Console::wait(abi::EventBits mask, core::Nanoseconds deadline) {
  if (fibres_ != nullptr) return fibres_->wait(mask, deadline);
  return abi::calls::event_wait(environment().event, mask, deadline);
}

core::Result<abi::Words> Console::call(const abi::Words& words) {
  for (;;) {
    auto answer = abi::calls::cap_invoke(environment().console, words);
    // Another context of this program is at the gate.
    if (answer || answer.error() != core::Error::Busy) return answer;
    static_cast<void>(abi::calls::yield());
  }
}

void Console::put(std::string_view text) {
  if (environment().console.none()) return;
  while (!text.empty()) {
    const std::size_t size = std::min(text.size(), kWordBytes);
    const auto answer = call(request_words(PortCall::Write, pack(text.substr(0, size)), size));
    if (!answer || answer->w[0] > size) return;
    text.remove_prefix(answer->w[0]);
    if (answer->w[0] != size) static_cast<void>(wait(bits_of(Signal::Output), now() + kLookAgain));
  }
}

core::Result<std::size_t> Console::poll(std::span<char> out) {
  const std::size_t size = std::min(out.size(), kWordBytes);
  FB_ASSIGN(const auto answer, call(request_words(PortCall::Read, {}, size)));
  const std::size_t count = std::min<std::size_t>(answer.w[0], size);
  unpack(payload_of(answer), out.first(count));
  return count;
}

core::Result<std::size_t> Console::read(std::span<char> out) {
  for (;;) {
    FB_ASSIGN(const std::size_t count, poll(out));
    if (count != 0) return count;
    const auto woken = wait(bits_of(Signal::Input), abi::kNever);
    if (!woken && woken.error() != core::Error::TimedOut) return core::fail(woken.error());
  }
}

core::Result<Payload> Console::request(const Payload& payload) {
  FB_TRY(call(request_words(PortCall::Request, payload)));
  for (;;) {
    static_cast<void>(wait(bits_of(Signal::Answer), now() + kLookAgain));
    FB_ASSIGN(const auto answer, call(request_words(PortCall::Answer, {})));
    if (answer.w[0] == 0) continue;
    if (answer.w[1] != 0) return core::fail(abi::calls::error_of(answer.w[1]));
    return payload_of(answer);
  }
}

Console& console() {
  static constinit Console the_console;
  return the_console;
}

}  // namespace fb::libos::rt

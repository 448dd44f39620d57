// A program's end of its console: text out, bytes in, requests to the starter.
#pragma once

#include "libos/rt/environment.hpp"
#include "libos/rt/protocol.hpp"

namespace fb::libos::rt {

/// How a program waits for the bits of its own event. Errors: TimedOut.
using WaitFunction = core::Result<abi::EventBits> (*)(abi::EventBits mask, core::Nanoseconds deadline);

/// The waiting of a program without fibres.
core::Result<abi::EventBits> wait_for_event(abi::EventBits mask, core::Nanoseconds deadline);

/// Text is sent as it comes, kWordBytes at a time. Without a console everything is dropped. A core::text::Sink.
class Console {
 public:
  constexpr explicit Console(WaitFunction wait = &wait_for_event) : wait_(wait) {}

  /// Waits while the other side takes nothing.
  void put(std::string_view text);
  /// What is there now, at most kWordBytes; 0 when nothing is.
  core::Result<std::size_t> poll(std::span<char> out);
  /// Waits for at least one byte.
  core::Result<std::size_t> read(std::span<char> out);
  /// One ControlCall. Errors: NotSupported (not allowed to this program), those of the call.
  core::Result<Payload> request(const Payload& payload);

 private:
  core::Result<abi::Words> call(const abi::Words& words);
  WaitFunction wait_;
};

/// The console of programs that have nothing to do but to talk to it.
Console& console();

}  // namespace fb::libos::rt

// A program's end of its console: text out, bytes in, requests to the starter.
#pragma once

#include "libos/rt/environment.hpp"
#include "libos/rt/machine.hpp"
#include "libos/rt/protocol.hpp"

namespace fb::libos::rt {

/// Text is sent as it comes, kWordBytes at a time. Without a console everything is dropped. A core::text::Sink.
class Console {
 public:
  /// Of a program without fibres: where it waits, all of it waits.
  constexpr Console() = default;
  /// A fibre that waits lets the others run. The scheduler outlives this.
  explicit Console(Fibres& fibres) : fibres_(&fibres) {}

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
  core::Result<abi::EventBits> wait(abi::EventBits mask, core::Nanoseconds deadline);

  Fibres* fibres_ = nullptr;
};

/// The console of programs that have nothing to do but to talk to it.
Console& console();

}  // namespace fb::libos::rt

// What a program and its starter share behind the console gate: two byte rings and one request at a time.
#pragma once

#include <atomic>
#include <optional>

#include "core/ring/spsc.hpp"
#include "libos/rt/protocol.hpp"

namespace fb::libos::rt {

/// The client side (answer_call) runs in a server context, on the client's own time and possibly on another CPU than
/// the owner side; it may stop at any instruction and never go on. So nothing here is locked: each side only ever
/// waits for itself. All memory is the owner's, zeroed when new.
class PortState {
 public:
  PortState();
  PortState(const PortState&) = delete;
  PortState& operator=(const PortState&) = delete;

  /// Client side: does one call in place; the result is its status, 0 or a core::Error. `wake` is set when the owner
  /// has to look. Words are whatever the client sent.
  std::uint64_t answer_call(abi::Words& words, bool& wake);

  /// Owner side: up to out.size() bytes that the client wrote.
  std::size_t take_output(std::span<char> out);
  /// True, once, when the client found the output full since the last call.
  bool take_full() { return full_.exchange(false); }
  /// False when the client has not read enough to make room; its next read wakes the owner.
  bool give_input(char byte);
  /// What the client has not read. Only when no call can come any more.
  std::size_t take_back_input(std::span<char> out) { return pop_into(input_out_, out); }
  /// The request that waits for give_answer().
  std::optional<Payload> request();
  void give_answer(const Payload& payload);
  /// What the client said that it ends with.
  std::optional<int> exit_status() const;

 private:
  using Bytes = core::ring::SpscRing<std::uint8_t>;
  static constexpr std::size_t kOutput = 4096, kInput = 1024;
  enum Mail : std::uint32_t { Empty, Requested, Taken, Answered };

  static std::size_t pop_into(Bytes::Consumer& from, std::span<char> out);
  std::uint64_t write(abi::Words& words, std::size_t count);
  void read(abi::Words& words, std::size_t count, bool& wake);
  std::uint64_t post(const abi::Words& words);
  void fetch(abi::Words& words);

  alignas(core::ring::kCacheLine) std::array<std::byte, core::ring::kSlotsOffset + kOutput> output_memory_{};
  alignas(core::ring::kCacheLine) std::array<std::byte, core::ring::kSlotsOffset + kInput> input_memory_{};
  Bytes::Producer output_in_;
  Bytes::Consumer output_out_;
  Bytes::Producer input_in_;
  Bytes::Consumer input_out_;
  std::atomic<std::uint32_t> mail_{Mail::Empty};
  Payload letter_{};                     ///< whose side it is on: mail_
  std::atomic<std::uint64_t> exit_{0};   ///< bit 32: said; bits 0-31: the status
  std::atomic<bool> full_{false};        ///< the client waits for room
  std::atomic<bool> input_full_{false};  ///< the owner does
};

}  // namespace fb::libos::rt

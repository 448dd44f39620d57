#include "libos/rt/port_state.hpp"

#include <algorithm>

namespace fb::libos::rt {
namespace {

constexpr std::uint64_t status_of(core::Error error) { return static_cast<std::uint64_t>(error); }

// The sizes are powers of two and the memory is aligned: locate() cannot refuse.
auto located(std::span<std::byte> memory) {
  return *core::ring::SpscRing<std::uint8_t>::locate(
      memory, core::ring::SlotCount(memory.size() - core::ring::kSlotsOffset));
}

}  // namespace

PortState::PortState()
    : output_in_(located(output_memory_)),
      output_out_(located(output_memory_)),
      input_in_(located(input_memory_)),
      input_out_(located(input_memory_)) {}

std::uint64_t PortState::answer_call(abi::Words& words, bool& wake) {
  const std::uint64_t count = std::min<std::uint64_t>(words.w[0] >> 8 & 0xff, kWordBytes);
  const std::uint64_t call = words.w[0] & 0xff;
  words.header = 0;
  switch (static_cast<PortCall>(call)) {
    case PortCall::Write:
      wake = true;
      return write(words, count);
    case PortCall::Read:
      read(words, count, wake);
      return 0;
    case PortCall::Exit:
      exit_.store(std::uint64_t{1} << 32 | (words.w[1] & 0xffff'ffff));
      wake = true;
      return 0;
    case PortCall::Request:
      wake = true;
      return post(words);
    case PortCall::Answer:
      fetch(words);
      return 0;
  }
  return status_of(core::Error::BadCall);
}

std::uint64_t PortState::write(abi::Words& words, std::size_t count) {
  std::array<char, kWordBytes> bytes{};
  unpack(payload_of(words), bytes);
  std::size_t done = 0;
  while (done != count && output_in_.try_push(static_cast<std::uint8_t>(bytes[done])).value_or(false)) ++done;
  // Said before the client waits; the owner drains, then asks, then signals: no wake-up is lost.
  if (done != count) full_.store(true);
  words = {};
  words.w[0] = done;
  return 0;
}

void PortState::read(abi::Words& words, std::size_t count, bool& wake) {
  std::array<char, kWordBytes> bytes{};
  const std::size_t done = pop_into(input_out_, std::span(bytes).first(count));
  // Asked after the room was made, and said before the owner looks for it: no wake-up is lost.
  if (done != 0 && input_full_.exchange(false)) wake = true;
  const Payload payload = pack({bytes.data(), done});
  words = {};
  words.w[0] = done;
  for (std::size_t i = 0; i != payload.size(); ++i) words.w[i + 1] = payload[i];
}

std::uint64_t PortState::post(const abi::Words& words) {
  // acquire: the owner is done with the letter. An answer that was never fetched makes room for the next request.
  const std::uint32_t mail = mail_.load(std::memory_order_acquire);
  if (mail == Mail::Requested || mail == Mail::Taken) return status_of(core::Error::Busy);
  letter_ = payload_of(words);
  // release: the owner who sees the state sees the letter.
  mail_.store(Mail::Requested, std::memory_order_release);
  return 0;
}

void PortState::fetch(abi::Words& words) {
  words = {};
  // acquire: with give_answer's release.
  if (mail_.load(std::memory_order_acquire) != Mail::Answered) return;
  words.w[0] = 1;
  for (std::size_t i = 0; i != letter_.size(); ++i) words.w[i + 1] = letter_[i];
  // relaxed: post() is on this side too.
  mail_.store(Mail::Empty, std::memory_order_relaxed);
}

std::size_t PortState::take_output(std::span<char> out) { return pop_into(output_out_, out); }

std::size_t PortState::pop_into(Bytes::Consumer& from, std::span<char> out) {
  std::size_t done = 0;
  for (; done != out.size(); ++done) {
    const auto byte = from.try_pop().value_or(std::nullopt);
    if (!byte) break;
    out[done] = static_cast<char>(*byte);
  }
  return done;
}

bool PortState::give_input(char byte) {
  const auto push = [&] { return input_in_.try_push(static_cast<std::uint8_t>(byte)).value_or(false); };
  if (push()) return true;
  input_full_.store(true);
  return push();
}

std::optional<Payload> PortState::request() {
  // acquire: with post's release.
  if (mail_.load(std::memory_order_acquire) != Mail::Requested) return std::nullopt;
  const Payload letter = letter_;
  // relaxed: only this side leaves Mail::Taken.
  mail_.store(Mail::Taken, std::memory_order_relaxed);
  return letter;
}

void PortState::give_answer(const Payload& payload) {
  letter_ = payload;
  // release: the client who sees the state sees the letter.
  mail_.store(Mail::Answered, std::memory_order_release);
}

std::optional<int> PortState::exit_status() const {
  const std::uint64_t said = exit_.load();
  if (said >> 32 == 0) return std::nullopt;
  return static_cast<int>(said & 0xffff'ffff);
}

}  // namespace fb::libos::rt

#include "libos/rt/port.hpp"

#include <memory>

namespace fb::libos::rt {

core::Result<> Port::open(abi::Cap<abi::ObjectType::Event> owner, abi::Bit bit) {
  close();
  std::destroy_at(&state_);
  std::construct_at(&state_);
  owner_ = owner;
  owner_bits_ = abi::EventBits(std::uint64_t{1} << bit.raw());
  FB_ASSIGN(client_, own(abi::calls::event_create()));
  FB_ASSIGN(gate_, ServedGate::create(*this));
  return {};
}

void Port::close() {
  gate_ = {};
  client_.reset();
}

std::uint64_t Port::serve(GateHandler& self, abi::Words& words) {
  auto& port = static_cast<Port&>(self);
  bool wake = false;
  const std::uint64_t status = port.state_.answer_call(words, wake);
  if (wake) static_cast<void>(abi::calls::event_deliver(port.owner_, port.owner_bits_));
  return status;
}

void Port::signal(Signal signal) {
  static_cast<void>(abi::calls::event_deliver(client_.get(), bits_of(signal)));
}

std::size_t Port::take_output(std::span<char> out) {
  const std::size_t done = state_.take_output(out);
  if (state_.take_full()) signal(Signal::Output);
  return done;
}

bool Port::give_input(char byte) {
  const bool room = state_.give_input(byte);
  signal(Signal::Input);
  return room;
}

void Port::give_answer(const Payload& payload) {
  state_.give_answer(payload);
  signal(Signal::Answer);
}

}  // namespace fb::libos::rt

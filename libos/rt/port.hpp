// The starter's end of a program's console: PortState behind a gate, with the events that go with it.
#pragma once

#include "libos/rt/gate.hpp"
#include "libos/rt/port_state.hpp"

namespace fb::libos::rt {

/// Serves one program. The owner's event gets `bit` when there is output, a request or an exit status to look at; the
/// program's event gets the Signals. Neither copied nor moved: the gate's badge is its address. Owner side: one context.
class Port : public GateHandler {
 public:
  Port() : GateHandler{&Port::serve} {}
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// Opens it for a new program with a fresh state. Errors: those of ServedGate::create and event_create.
  core::Result<> open(abi::Cap<abi::ObjectType::Event> owner, abi::Bit bit);
  void close();

  [[nodiscard]] abi::Cap<abi::ObjectType::Gate> gate() const { return gate_.gate(); }
  /// The program's event, created here so that both sides hold it.
  [[nodiscard]] abi::Cap<abi::ObjectType::Event> client_event() const { return client_.get(); }

  std::size_t take_output(std::span<char> out);
  bool give_input(char byte);
  /// What the program has not read; after close().
  std::size_t take_back_input(std::span<char> out) { return state_.take_back_input(out); }
  std::optional<Payload> request() { return state_.request(); }
  void give_answer(const Payload& payload);
  [[nodiscard]] std::optional<int> exit_status() const { return state_.exit_status(); }
  void signal(Signal signal);

 private:
  static std::uint64_t serve(GateHandler& self, abi::Words& words);

  PortState state_;
  abi::Cap<abi::ObjectType::Event> owner_;
  abi::EventBits owner_bits_;
  Owned<abi::ObjectType::Event> client_;
  ServedGate gate_;
};

}  // namespace fb::libos::rt

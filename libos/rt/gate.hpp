// Gates as C++ sees them: a handler object per gate, and the server context that runs it.
#pragma once

#include "libos/rt/memory.hpp"

namespace fb::libos::rt {

/// What a gate calls. The object's address is the gate's badge, which only this domain chooses: a caller can neither
/// see nor forge it. `handle` runs on the caller's time; its result is the caller's status.
struct GateHandler {
  std::uint64_t (*handle)(GateHandler& self, abi::Words& words);
};

/// A gate with one server context of its own: two callers at once, and the second gets Busy. The handler must outlive
/// it.
class [[nodiscard]] ServedGate {
 public:
  /// Errors: those of gate_create, alloc_cpu_context and of memory.
  static core::Result<ServedGate> create(GateHandler& handler);
  ServedGate() = default;
  ServedGate(ServedGate&&) noexcept = default;
  ServedGate& operator=(ServedGate&& other) noexcept;
  ~ServedGate() = default;
  [[nodiscard]] abi::Cap<abi::ObjectType::Gate> gate() const { return gate_.get(); }

 private:
  Region area_;
  Region stack_;
  Owned<abi::ObjectType::Context> context_;
  Owned<abi::ObjectType::Gate> gate_;  // goes first: no call may enter a context that is gone
};

}  // namespace fb::libos::rt

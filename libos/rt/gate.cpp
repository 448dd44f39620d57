#include "libos/rt/gate.hpp"

#include "libos/rt/environment.hpp"

extern "C" {
void rt_gate_entry();
[[noreturn]] void rt_gate_call(std::uint64_t badge, fb::abi::Words* words);
}

namespace fb::libos::rt {
namespace {

constexpr core::PageCount kServerStack{4};

}  // namespace

ServedGate& ServedGate::operator=(ServedGate&& other) noexcept {
  if (this != &other) {
    gate_ = std::move(other.gate_);
    context_ = std::move(other.context_);
    stack_ = std::move(other.stack_);
    area_ = std::move(other.area_);
  }
  return *this;
}

core::Result<ServedGate> ServedGate::create(GateHandler& handler) {
  const Environment& e = environment();
  ServedGate served;
  FB_ASSIGN(served.area_, allocate(core::PageCount(1)));
  FB_ASSIGN(served.stack_, allocate(kServerStack));
  FB_ASSIGN(served.context_, own(abi::calls::alloc_cpu_context(e.domain, e.space, served.area_.pages.get(),
                                                               abi::ContextFlags{})));
  FB_ASSIGN(served.gate_, own(abi::calls::gate_create(
                              e.domain, core::VirtAddr(reinterpret_cast<std::uint64_t>(&rt_gate_entry)),
                              reinterpret_cast<std::uint64_t>(&handler))));
  const core::VirtAddr top = served.stack_.mapping.address() + core::bytes_of(kServerStack);
  FB_TRY(abi::calls::gate_add_server(served.gate_.get(), served.context_.get(), top));
  return served;
}

}  // namespace fb::libos::rt

void rt_gate_call(std::uint64_t badge, fb::abi::Words* words) {
  auto& handler = *reinterpret_cast<fb::libos::rt::GateHandler*>(badge);
  const std::uint64_t status = handler.handle(handler, *words);
  fb::abi::calls::gate_reply(status, *words);
  // Refused: the handles that were to travel, perhaps. The caller gets an answer without them.
  const auto refusal = fb::abi::calls::gate_reply(static_cast<std::uint64_t>(fb::core::Error::Faulted), {});
  static_cast<void>(refusal);
  __builtin_trap();
}

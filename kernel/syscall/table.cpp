// The table that syscall_entry jumps through.
#include "kernel/arch/x86_64/offsets.h"
#include "kernel/syscall/calls.hpp"

using Table = std::array<fb::abi::Thunk, fb::abi::kCallLimit>;

// arch/x86_64/switching.S
fb::abi::Reply context_run_entry(fb::abi::Word, fb::abi::Word, fb::abi::Word, fb::abi::Word, fb::abi::Word,
                                 fb::abi::Word) asm("context_run_entry");
fb::abi::Reply cap_invoke_entry(fb::abi::Word, fb::abi::Word, fb::abi::Word, fb::abi::Word, fb::abi::Word,
                                fb::abi::Word) asm("cap_invoke_entry");
fb::abi::Reply event_exchange_entry(fb::abi::Word, fb::abi::Word, fb::abi::Word, fb::abi::Word, fb::abi::Word,
                                    fb::abi::Word) asm("event_exchange_entry");
fb::abi::Reply gate_reply_entry(fb::abi::Word, fb::abi::Word, fb::abi::Word, fb::abi::Word, fb::abi::Word,
                                fb::abi::Word) asm("gate_reply_entry");

extern "C" {
// NOLINTNEXTLINE(readability-identifier-naming): switching.S jumps through it by this name
extern const Table call_table;
// NOLINTNEXTLINE(readability-identifier-naming): switching.S jumps through it by this name
constinit const Table call_table = [] {
  auto table = fb::abi::kDecodeTable<fb::kernel::syscall::Calls>;
  const auto row = [&](fb::abi::CallNumber call) -> fb::abi::Thunk& {
    return table[static_cast<std::size_t>(call)];
  };
  // These decode like the others, but usually do not come back.
  row(fb::abi::CallNumber::ContextRun) = context_run_entry;
  row(fb::abi::CallNumber::CapInvoke) = cap_invoke_entry;
  row(fb::abi::CallNumber::GateReply) = gate_reply_entry;
  row(fb::abi::CallNumber::EventExchange) = event_exchange_entry;
  return table;
}();
}
static_assert(CALL_COUNT == fb::abi::kCallLimit &&
              ERROR_BAD_CALL == static_cast<unsigned>(fb::core::Error::BadCall));

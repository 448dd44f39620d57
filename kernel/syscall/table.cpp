// The table that syscall_entry jumps through.
#include "kernel/arch/x86_64/offsets.h"
#include "kernel/syscall/calls.hpp"

extern "C" {
extern const std::array<fb::abi::Thunk, fb::abi::kCallLimit> call_table;
constinit const std::array<fb::abi::Thunk, fb::abi::kCallLimit> call_table = fb::abi::kDecodeTable<fb::kernel::syscall::Calls>;
}
static_assert(CALL_COUNT == fb::abi::kCallLimit && ERROR_BAD_CALL == static_cast<unsigned>(fb::core::Error::BadCall));

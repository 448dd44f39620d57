// Giving the CPU to a context: its address space, its vector state, its registers.
#pragma once

#include "kernel/arch/x86_64/leave.hpp"
#include "kernel/object/kernel.hpp"

namespace fb::kernel::sched {

using object::AddressSpace;
using object::Context;
using object::Cpu;
using object::Kernel;

/// Loads an address space; null: the kernel's own, in which nothing of ring 3 is mapped.
inline void switch_root(Cpu& cpu, std::uint64_t root) {
  if (cpu.root.load(std::memory_order_relaxed) == root) return;
  // relaxed: writing CR3 serialises, so a CPU that edits the tables either sees this or is seen by our first walk.
  cpu.root.store(root, std::memory_order_relaxed);
  arch::write_cr3(root);
}
inline void switch_space(Cpu& cpu, AddressSpace* space) {
  switch_root(cpu, space != nullptr ? space->root.raw() : cpu.kernel->tables->root().raw());
}

/// Makes the vector and base registers those of `context`, if they are not or need not be (DESIGN §6): a LibOS's code
/// uses none of them, so its programs' stay live while it runs.
void switch_vector_slow(Cpu& cpu, Context& context);

/// The state every context begins with (Intel SDM 1, 13.6): XSTATE_BV zero means the initial configuration.
struct alignas(64) InitialVectorState {
  std::uint8_t legacy[512]{};
  std::uint8_t header[64]{};
  std::uint8_t rest[64]{};
  constexpr InitialVectorState() {
    legacy[0] = 0x7f, legacy[1] = 0x03;    // FCW
    legacy[24] = 0x80, legacy[25] = 0x1f;  // MXCSR, loaded whatever XSTATE_BV says
  }
};
inline constexpr InitialVectorState kInitialVectorState;

[[gnu::always_inline]] inline void switch_vector(Cpu& cpu, Context& context) {
  if (cpu.vector_owner == &context) [[likely]]
    return;
  // Programs of one LibOS share its domain, but not their registers: one without state of its own gets clean ones.
  const bool plain = !context.vector && !context.reflecting;
  if (plain && cpu.vector_domain == context.domain_identity) return;
  if (plain && cpu.scrubs_shortly && cpu.vector_owner == nullptr && cpu.base_owner == nullptr) [[likely]] {
    // What a context without vector state left in the registers is not for the next domain.
    cpu.vector_domain = context.domain_identity;
    return arch::xrstor(&kInitialVectorState);
  }
  switch_vector_slow(cpu, context);
}
/// Sets FS and GS base for `context`, addresses of the user half. What another context did to the segment registers
/// (loading a selector changes a base behind our back) is undone; what this one did, is its own affair.
void set_bases_slow(Cpu& cpu, const Context& context, std::uint64_t fs, std::uint64_t gs);
inline void set_bases(Cpu& cpu, const Context& context, std::uint64_t fs, std::uint64_t gs) {
  if (cpu.base_owner == &context && ((cpu.fs_base ^ fs) | (cpu.gs_base ^ gs)) == 0) [[likely]]
    return;
  set_bases_slow(cpu, context, fs, gs);
}
/// Where in a state the components that it has are told.
inline constexpr std::size_t kVectorHeader = 512;
/// Gives a new context the initial vector state.
void reset_vector(Context& context);
/// Makes a saved state that ring 3 wrote the context's, which is idle and in memory: a header that XRSTOR would refuse is
/// refused (BadFormat), and so are MXCSR bits that do not exist. The source is read once.
core::Result<> accept_vector(Cpu& cpu, Context& context, const char* source);
/// Puts the vector state that this CPU's registers hold where it belongs; the registers are scrubbed.
void save_vector(Cpu& cpu);

/// Makes `context` the running one and leaves ring 0 by way of its saved registers, which are validated.
[[noreturn]] void leave_to(Cpu& cpu, Context& context);

/// The same after a call of another context, for what most often comes next: a native one that waited in a call of its
/// own. Its registers are where only ring 0 can write.
[[noreturn, gnu::always_inline]] inline void leave_to_next(Cpu& cpu, Context& context) {
  if (!context.goes_on_plainly() || cpu.vector_domain != context.domain_identity) [[unlikely]]
    leave_to(cpu, context);
  exo_frame* const frame = context.frame;
  cpu.current_head = &context;
  cpu.frame = frame;
  switch_root(cpu, context.space_root);
  go_on_in_call(frame);
}

}  // namespace fb::kernel::sched

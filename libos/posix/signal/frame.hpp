// What a handler finds on the stack, and what sigreturn reads back (Linux's struct rt_sigframe; uapi asm/sigcontext.h,
// asm/ucontext.h).
#pragma once

#include <span>

#include "abi/layout.h"
#include "core/types.hpp"
#include "libos/posix/signal/abi.hpp"

namespace fb::libos::posix::signal {

/// struct sigcontext.
struct MachineContext {
  std::uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  std::uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
  std::uint16_t cs, gs, fs, ss;
  std::uint64_t error_code, vector, old_mask, address;
  std::uint64_t vector_state;  ///< address of the XSAVE area; 0: there is none
  std::array<std::uint64_t, 8> reserved;
};
static_assert(sizeof(MachineContext) == 256);

/// struct ucontext.
struct UserContext {
  std::uint64_t flags, link;
  AlternateStack stack;
  MachineContext machine;
  std::uint64_t mask;
};
static_assert(sizeof(UserContext) == 304);

struct Frame {
  std::uint64_t restorer;
  UserContext context;
  Info info;
};
static_assert(sizeof(Frame) == 440);

/// Where the frame and, above it, the vector state go, downwards from `stack`: below the red zone of who runs there.
struct Places {
  core::VirtAddr frame, vector_state;
};
Places place_frame(core::VirtAddr stack, bool alternate, core::ByteCount vector_bytes);

struct Interrupted {
  const exo_frame& registers;
  Set blocked;  ///< that sigreturn brings back
  AlternateStack alternate;
};
Frame make_frame(const Interrupted& at, const Info& info, const Action& action, core::VirtAddr vector_state);
/// From here on the handler runs.
void enter_handler(exo_frame& registers, core::VirtAddr frame, const Info& info, const Action& action);

/// The program's general registers become those of `context`, which it wrote: whatever they are, they are no more than a
/// program may have (flags; ring 0 checks the addresses).
void restore(exo_frame& registers, const MachineContext& context);

/// Linux's marks around the XSAVE area of a frame, without which debuggers and unwinders see an FXSAVE area only. `area` has
/// room for kMarkBytes behind the state.
inline constexpr std::size_t kMarkBytes = 4;
void mark_vector_state(std::span<std::byte> area, std::uint64_t components);
/// Whether `area`, of which the FXSAVE part has been read, says that more follows, as much as `area` is large.
bool has_extended_state(std::span<const std::byte> area);

}  // namespace fb::libos::posix::signal

#include "libos/posix/signal/frame.hpp"

namespace fb::libos::posix::signal {
namespace {

constexpr std::uint64_t kRedZone = 128, kStackAlignment = 16, kVectorAlignment = 64;
constexpr std::uint16_t kUserCode = 0x33, kUserData = 0x2b;
constexpr std::uint64_t kHasVectorState = 1, kHasStackSegment = 2, kStrictStackSegment = 4;
/// What a program may set: alignment check, overflow, direction, trap and the arithmetic flags.
constexpr std::uint64_t kProgramsFlags = 0x4'0dd5;
constexpr std::size_t kMarkAt = 464;  ///< in the FXSAVE area, for software (Intel SDM 1, 10.5.1)
constexpr std::uint32_t kMagic1 = 0x4650'5853, kMagic2 = 0x4650'5845;
/// struct _fpx_sw_bytes.
struct VectorMark {
  std::uint32_t magic, extended_size;
  std::uint64_t components;
  std::uint32_t state_size;
  std::array<std::uint32_t, 7> padding;
};
static_assert(sizeof(VectorMark) == 48);
constexpr std::uint64_t kDirectionFlag = 0x400, kTrapFlag = 0x100, kResumeFlag = 0x1'0000;

}  // namespace

Places place_frame(core::VirtAddr stack, bool alternate, core::ByteCount vector_bytes) {
  auto at = stack.raw() - (alternate ? 0 : kRedZone);
  at = (at - vector_bytes.raw()) & ~(kVectorAlignment - 1);
  const core::VirtAddr vector_state(at);
  // As if the handler had been called: the return address lies below a multiple of 16.
  at = ((at - sizeof(Frame)) & ~(kStackAlignment - 1)) - sizeof(std::uint64_t);
  return {.frame = core::VirtAddr(at), .vector_state = vector_state};
}

Frame make_frame(const Interrupted& at, const Info& info, const Action& action, core::VirtAddr vector_state) {
  const auto& r = at.registers;
  return {.restorer = action.restorer,
          .context = {.flags = kHasVectorState | kHasStackSegment | kStrictStackSegment,
                      .link = 0,
                      .stack = at.alternate,
                      .machine = {.r8 = r.r8,
                                  .r9 = r.r9,
                                  .r10 = r.r10,
                                  .r11 = r.r11,
                                  .r12 = r.r12,
                                  .r13 = r.r13,
                                  .r14 = r.r14,
                                  .r15 = r.r15,
                                  .rdi = r.rdi,
                                  .rsi = r.rsi,
                                  .rbp = r.rbp,
                                  .rbx = r.rbx,
                                  .rdx = r.rdx,
                                  .rax = r.rax,
                                  .rcx = r.rcx,
                                  .rsp = r.rsp,
                                  .rip = r.rip,
                                  .rflags = r.rflags,
                                  .cs = kUserCode,
                                  .gs = 0,
                                  .fs = 0,
                                  .ss = kUserData,
                                  .error_code = r.error_code,
                                  .vector = r.vector,
                                  .old_mask = at.blocked.bits(),
                                  .address = r.address,
                                  .vector_state = vector_state.raw(),
                                  .reserved = {}},
                      .mask = at.blocked.bits()},
          .info = info};
}

void enter_handler(exo_frame& registers, core::VirtAddr frame, const Info& info, const Action& action) {
  registers.rdi = static_cast<std::uint64_t>(info.number);
  registers.rsi = frame.raw() + offsetof(Frame, info);
  registers.rdx = frame.raw() + offsetof(Frame, context);
  registers.rax = 0;
  registers.rsp = frame.raw();
  registers.rip = action.handler;
  registers.rflags &= ~(kDirectionFlag | kTrapFlag | kResumeFlag);
}

void restore(exo_frame& registers, const MachineContext& context) {
  auto& r = registers;
  r.r8 = context.r8;
  r.r9 = context.r9;
  r.r10 = context.r10;
  r.r11 = context.r11;
  r.r12 = context.r12;
  r.r13 = context.r13;
  r.r14 = context.r14;
  r.r15 = context.r15;
  r.rdi = context.rdi;
  r.rsi = context.rsi;
  r.rbp = context.rbp;
  r.rbx = context.rbx;
  r.rdx = context.rdx;
  r.rax = context.rax;
  r.rcx = context.rcx;
  r.rsp = context.rsp;
  r.rip = context.rip;
  r.rflags = (r.rflags & ~kProgramsFlags) | (context.rflags & kProgramsFlags);
}

void mark_vector_state(std::span<std::byte> area, std::uint64_t components) {
  const VectorMark mark{kMagic1,
                        static_cast<std::uint32_t>(area.size()),
                        components,
                        static_cast<std::uint32_t>(area.size() - kMarkBytes),
                        {}};
  __builtin_memcpy(area.data() + kMarkAt, &mark, sizeof mark);
  __builtin_memcpy(area.data() + area.size() - kMarkBytes, &kMagic2, sizeof kMagic2);
}

bool has_extended_state(std::span<const std::byte> area) {
  VectorMark mark;
  __builtin_memcpy(&mark, area.data() + kMarkAt, sizeof mark);
  return mark.magic == kMagic1 && mark.extended_size == area.size() &&
         mark.state_size == area.size() - kMarkBytes;
}

}  // namespace fb::libos::posix::signal

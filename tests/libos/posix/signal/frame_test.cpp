#include "libos/posix/signal/frame.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <signal.h>
#include <sys/ucontext.h>

#include <cstring>
#include <vector>

namespace fb::libos::posix::signal {
namespace {

exo_frame some_registers() {
  exo_frame frame{};
  std::uint64_t words[18];
  for (std::uint64_t i = 0; i != 18; ++i) words[i] = 0x1000 + i;
  std::memcpy(&frame, words, sizeof words);
  frame.rflags = 0x246;
  return frame;
}

TEST(SignalFrame, has_the_layout_that_the_host_has) {
  EXPECT_EQ(sizeof(Info), sizeof(siginfo_t));
  EXPECT_EQ(offsetof(UserContext, machine) + offsetof(MachineContext, rip),
            offsetof(ucontext_t, uc_mcontext) + REG_RIP * sizeof(greg_t));
  EXPECT_EQ(offsetof(UserContext, machine) + offsetof(MachineContext, address),
            offsetof(ucontext_t, uc_mcontext) + REG_CR2 * sizeof(greg_t));
  EXPECT_EQ(offsetof(UserContext, machine) + offsetof(MachineContext, vector_state),
            offsetof(ucontext_t, uc_mcontext) + offsetof(mcontext_t, fpregs));
  EXPECT_EQ(offsetof(UserContext, mask), offsetof(ucontext_t, uc_sigmask));
  EXPECT_EQ(sizeof(AlternateStack), sizeof(stack_t));
  siginfo_t theirs{};
  theirs.si_signo = SIGCHLD;
  theirs.si_code = CLD_EXITED;
  theirs.si_pid = 77;
  theirs.si_uid = 5;
  theirs.si_status = 3;
  const auto ours = Info::from(Signal::Child, code::kChildExited, 77, 5, 3);
  EXPECT_EQ(std::memcmp(&ours, &theirs, sizeof ours), 0);
}

TEST(SignalFrame, brings_back_every_register) {
  const auto before = some_registers();
  const auto frame =
      make_frame({.registers = before, .blocked = Set(5), .alternate = {}},
                 Info::of(Signal::User1, code::kUser), {.restorer = 0x77}, core::VirtAddr(0x4000));
  EXPECT_EQ(frame.restorer, 0x77U);
  EXPECT_EQ(frame.context.mask, 5U);
  exo_frame after{};
  after.rflags = 0x202;
  restore(after, frame.context.machine);
  EXPECT_EQ(std::memcmp(&after, &before, offsetof(exo_frame, rip)), 0);
  EXPECT_EQ(after.rip, before.rip);
  EXPECT_EQ(after.rflags, before.rflags);
}

TEST(SignalFrame, enters_the_handler_as_if_it_had_been_called) {
  auto registers = some_registers();
  registers.rflags = 0x10746;  // direction, trap and resume flags
  enter_handler(registers, core::VirtAddr(0x7008), Info::of(Signal::User1, code::kUser), {.handler = 0x4321});
  EXPECT_EQ(registers.rip, 0x4321U);
  EXPECT_EQ(registers.rsp, 0x7008U);
  EXPECT_EQ(registers.rdi, 10U);
  EXPECT_EQ(registers.rsi, 0x7008 + offsetof(Frame, info));
  EXPECT_EQ(registers.rdx, 0x7008 + offsetof(Frame, context));
  EXPECT_EQ(registers.rflags, 0x246U);
}

RC_GTEST_PROP(SignalFrame, a_hostile_one_gives_no_flag_that_a_program_may_not_have,
              (std::uint64_t flags, std::uint64_t before)) {
  exo_frame frame{};
  frame.rflags = before;
  MachineContext context{};
  context.rflags = flags;
  restore(frame, context);
  constexpr std::uint64_t kPrograms = 0x40dd5;
  RC_ASSERT((frame.rflags & ~kPrograms) == (before & ~kPrograms));
  RC_ASSERT((frame.rflags & kPrograms) == (flags & kPrograms));
}

RC_GTEST_PROP(SignalFrame, lies_below_the_stack_and_its_red_zone,
              (std::uint64_t stack, std::uint16_t bytes)) {
  const core::VirtAddr from((stack & 0x7fff'ffff'ffff) | 0x10'0000);
  const bool alternate = stack >> 63;
  const auto places = place_frame(from, alternate, core::ByteCount(bytes));
  RC_ASSERT(places.vector_state.raw() % 64 == 0U);
  RC_ASSERT(places.frame.raw() % 16 == 8U);
  RC_ASSERT(places.vector_state.raw() + bytes <= from.raw() - (alternate ? 0 : 128));
  RC_ASSERT(places.frame.raw() + sizeof(Frame) <= places.vector_state.raw());
}

TEST(SignalFrame, marks_its_vector_state_and_knows_the_mark) {
  std::vector<std::byte> area(2700);
  EXPECT_FALSE(has_extended_state(area));
  mark_vector_state(area, 7);
  EXPECT_TRUE(has_extended_state(area));
  EXPECT_FALSE(has_extended_state(std::span(area).first(2600))) << "of another size";
  std::uint64_t components = 0;
  std::memcpy(&components, area.data() + 472, sizeof components);
  EXPECT_EQ(components, 7U);
}

TEST(AlternateStack, holds_addresses_above_its_bottom_up_to_its_end) {
  const AlternateStack stack{.address = 0x1000, .flags = 0, .size = 0x1000};
  EXPECT_FALSE(stack.holds(0x1000));
  EXPECT_TRUE(stack.holds(0x1001));
  EXPECT_TRUE(stack.holds(0x2000));
  EXPECT_FALSE(stack.holds(0x2001));
}

}  // namespace
}  // namespace fb::libos::posix::signal

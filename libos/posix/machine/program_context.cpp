#include "libos/posix/machine/program_context.hpp"

#include "libos/posix/machine/kernel_error.hpp"

namespace fb::libos::posix::machine {
Answer<ProgramContext> ProgramContext::make(SpaceCap space) {
  constexpr auto kFlags = abi::ContextFlag::Reflect | abi::ContextFlag::Vector;
  ProgramContext made;
  FB_ASSIGN(made.area_, answer_of(rt::allocate(core::PageCount(1))));
  FB_ASSIGN(made.context_,
            answer_of(rt::own(abi::calls::alloc_cpu_context({}, space, made.area_.pages.get(), kFlags))));
  made.space_ = space;
  return made;
}

Answer<> ProgramContext::set_space(SpaceCap space) {
  if (space_ == space) return {};
  FB_TRY(answer_of(abi::calls::context_set_space(context_.get(), space)));
  space_ = space;
  return {};
}

}  // namespace fb::libos::posix::machine

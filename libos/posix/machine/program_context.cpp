#include "libos/posix/machine/program_context.hpp"

#include "libos/posix/machine/kernel_error.hpp"

namespace fb::libos::posix::machine {
Answer<ProgramContext> ProgramContext::make(SpaceCap space) {
  ProgramContext made;
  FB_ASSIGN(made.area_, answer_of(rt::allocate(core::PageCount(1))));
  FB_TRY(made.reset(space));
  return made;
}

Answer<> ProgramContext::reset(SpaceCap space) {
  constexpr auto kFlags = abi::ContextFlag::Reflect | abi::ContextFlag::Vector;
  FB_ASSIGN(auto fresh,
            answer_of(rt::own(abi::calls::alloc_cpu_context({}, space, area_.pages.get(), kFlags))));
  context_ = std::move(fresh);
  frame() = {};
  return {};
}

Answer<> ProgramContext::set_space(SpaceCap space) {
  return answer_of(abi::calls::context_set_space(context_.get(), space));
}

}  // namespace fb::libos::posix::machine

#include "libos/posix/machine/program_pool.hpp"

#include "libos/posix/machine/kernel_error.hpp"

namespace fb::libos::posix::machine {

Answer<ProgramPool::Space> ProgramPool::take_space() {
  if (space_count_ != 0) return std::move(spaces_[--space_count_]);
  return answer_of(rt::own(abi::calls::address_space_create()));
}

void ProgramPool::give(Space space) {
  if (space.none()) return;
  if (space_count_ != kSpaces) {
    spaces_[space_count_++] = std::move(space);
    return;
  }
  // Whatever sees it stops for good when it goes.
  for (std::size_t i = context_count_; i-- > 0;) {
    if (contexts_[i].space() != space.get()) continue;
    contexts_[i] = std::move(contexts_[--context_count_]);
    contexts_[context_count_] = {};
  }
}

Answer<ProgramContext> ProgramPool::take_context(SpaceCap space) {
  if (context_count_ == 0) return ProgramContext::make(space);
  std::size_t best = context_count_ - 1;
  for (std::size_t i = 0; i != context_count_; ++i) {
    if (contexts_[i].space() == space) best = i;
  }
  ProgramContext taken = std::move(contexts_[best]);
  contexts_[best] = std::move(contexts_[--context_count_]);
  FB_TRY(taken.set_space(space));
  return taken;
}

void ProgramPool::give(ProgramContext context) {
  if (!context.none() && context_count_ != kContexts) contexts_[context_count_++] = std::move(context);
}

}  // namespace fb::libos::posix::machine

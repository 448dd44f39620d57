// Address spaces and contexts that no program has just now: to make and to end one takes ring 0 thousands of instructions.
#pragma once

#include <array>

#include "libos/posix/machine/program_context.hpp"

namespace fb::libos::posix::machine {

/// Keeps some of what programs have left, for the next ones. Not for concurrent use; outlives all that takes from it.
class ProgramPool {
 public:
  using Space = rt::Owned<abi::ObjectType::AddressSpace>;
  using SpaceCap = abi::Cap<abi::ObjectType::AddressSpace>;

  /// One in which nothing is mapped. Errors: NoMemory.
  Answer<Space> take_space();
  /// Nothing is mapped in it, and no context runs in it.
  void give(Space space);
  /// One that sees `space`; its registers are anybody's. Errors: NoMemory.
  Answer<ProgramContext> take_context(SpaceCap space);
  /// It runs no more.
  void give(ProgramContext context);

 private:
  static constexpr std::size_t kSpaces = 16, kContexts = 32;

  std::array<Space, kSpaces> spaces_;
  std::array<ProgramContext, kContexts> contexts_;  ///< each sees a space that is there
  std::size_t space_count_ = 0, context_count_ = 0;
};

}  // namespace fb::libos::posix::machine

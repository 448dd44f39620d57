#include "libos/posix/machine/program_context.hpp"

#include "libos/posix/machine/kernel_error.hpp"

namespace fb::libos::posix::machine {
namespace {

constexpr core::PageCount kVectorPages{
    2};  // XSAVE areas are below 8 KiB, but for AMX, which the kernel leaves off
enum Direction : std::uint64_t { kOut, kIn };

}  // namespace

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

Answer<> ProgramContext::copy_vector(const ProgramContext& from) {
  FB_ASSIGN(const auto between, answer_of(rt::allocate(kVectorPages)));
  const auto pages = between.pages.get();
  FB_TRY(answer_of(abi::calls::context_vector(from.context_.get(), pages, core::ByteCount(0), kOut)));
  return answer_of(abi::calls::context_vector(context_.get(), pages, core::ByteCount(0), kIn));
}

}  // namespace fb::libos::posix::machine

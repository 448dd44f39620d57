#include "libos/posix/machine/vector_scratch.hpp"

#include "libos/posix/machine/kernel_error.hpp"

namespace fb::libos::posix::machine {
namespace {

enum Direction : std::uint64_t { kOut, kIn };
enum Feature : std::uint64_t { kXsave = 1U << 4 };
constexpr std::uint64_t kX87AndSse = 3;

std::uint64_t xgetbv() {
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low | std::uint64_t{high} << 32;
}

}  // namespace

Answer<> VectorScratch::open(core::ByteCount behind) {
  FB_ASSIGN(const auto state, answer_of(abi::calls::machine_info(abi::Info::VectorBytes)));
  FB_ASSIGN(const auto features, answer_of(abi::calls::machine_info(abi::Info::CpuFeatures)));
  size_ = state + behind.raw();
  components_ = (features & kXsave) != 0 ? xgetbv() : kX87AndSse;
  FB_ASSIGN(room_, answer_of(rt::allocate(core::pages_for(core::ByteCount(size_)))));
  return {};
}

Answer<> VectorScratch::save(const ProgramContext& from) {
  return answer_of(abi::calls::context_vector(from.cap(), room_.pages.get(), core::ByteCount(0), kOut));
}

Answer<> VectorScratch::load(ProgramContext& into) {
  const auto done = abi::calls::context_vector(into.cap(), room_.pages.get(), core::ByteCount(0), kIn);
  return done ? Answer<>() : fail(Errno::Fault);
}

}  // namespace fb::libos::posix::machine

#include "libos/posix/machine/vector_scratch.hpp"

#include <cpuid.h>

#include <bit>

#include "libos/posix/machine/kernel_error.hpp"

namespace fb::libos::posix::machine {
namespace {

enum Direction : std::uint64_t { kOut, kIn };
enum Feature : std::uint64_t { kXsave = 1U << 4 };

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
  FB_TRY(find_parts());
  FB_ASSIGN(room_, answer_of(rt::allocate(core::pages_for(core::ByteCount(size_)))));
  return {};
}

Answer<> VectorScratch::find_parts() {
  constexpr std::uint32_t kStateLeaf = 13;
  for (std::uint64_t left = components_ & ~kX87AndSse; left != 0; left &= left - 1) {
    const auto component = static_cast<std::uint32_t>(std::countr_zero(left));
    std::uint32_t size = 0, offset = 0, c = 0, d = 0;
    __get_cpuid_count(kStateLeaf, component, &size, &offset, &c, &d);
    if (part_count_ == parts_.size() || offset + size > size_) return fail(Errno::NotSupported);
    parts_[part_count_++] = {.component = std::uint64_t{1} << component, .offset = offset, .size = size};
  }
  return {};
}

/// Intel SDM 1, 13.6: XSTATE_BV zero stands for the initial state; the legacy part is for a processor without XSAVE, and MXCSR
/// is taken from it in any case.
Answer<> VectorScratch::clear(ProgramContext& context) {
  constexpr std::size_t kLegacyAndHeader = 576, kMxcsr = 24;
  constexpr std::uint16_t kControl = 0x37f;
  constexpr std::uint32_t kMasks = 0x1f80;
  auto* const at = bytes().data();
  __builtin_memset(at, 0, kLegacyAndHeader);
  __builtin_memcpy(at, &kControl, sizeof kControl);
  __builtin_memcpy(at + kMxcsr, &kMasks, sizeof kMasks);
  return load(context);
}

Answer<> VectorScratch::save(const ProgramContext& from) {
  return answer_of(abi::calls::context_vector(from.cap(), room_.pages.get(), core::ByteCount(0), kOut));
}

Answer<> VectorScratch::load(ProgramContext& into) {
  const auto done = abi::calls::context_vector(into.cap(), room_.pages.get(), core::ByteCount(0), kIn);
  return done ? Answer<>() : fail(Errno::Fault);
}

}  // namespace fb::libos::posix::machine

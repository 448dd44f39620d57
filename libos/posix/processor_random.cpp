#include "libos/posix/processor_random.hpp"

#include <algorithm>
#include <cstring>

namespace fb::libos::posix {

ProcessorRandom::ProcessorRandom() {
  constexpr std::uint32_t kFeatures = 1, kRdrand = 1u << 30;
  std::uint32_t eax = kFeatures, ebx = 0, ecx = 0, edx = 0;
  asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  has_rdrand_ = (ecx & kRdrand) != 0;
}

std::uint64_t ProcessorRandom::next() {
  std::uint64_t drawn = 0;
  // Intel's guide has it tried ten times; the state goes in as well, so that an empty source is not a constant one.
  for (int tries = 10; has_rdrand_ && tries > 0; --tries) {
    bool good = false;
    asm volatile("rdrand %0" : "=r"(drawn), "=@ccc"(good));
    if (good) break;
  }
  state_ += 0x9e37'79b9'7f4a'7c15 + __builtin_ia32_rdtsc();
  auto word = (state_ ^ state_ >> 30) * 0xbf58'476d'1ce4'e5b9;
  word = (word ^ word >> 27) * 0x94d0'49bb'1331'11eb;
  return drawn ^ word ^ word >> 31;
}

void ProcessorRandom::fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const auto word = next();
    const auto now = std::min(bytes.size(), sizeof(word));
    std::memcpy(bytes.data(), &word, now);
    bytes = bytes.subspan(now);
  }
}

}  // namespace fb::libos::posix

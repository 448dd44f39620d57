#include "kernel/arch/x86_64/symbols.hpp"

#include "kernel/arch/x86_64/layout.hpp"

// Filled by the second link: `count` offsets from the kernel base, ascending, then as many offsets into the names.
// NOLINTBEGIN(readability-identifier-naming): labels of assembly and of the linker
extern "C" {
[[gnu::weak]] extern const std::uint32_t symbol_count;
[[gnu::weak]] extern const std::uint32_t symbol_offsets[];
[[gnu::weak]] extern const std::uint32_t symbol_names[];
[[gnu::weak]] extern const char symbol_text[];
[[gnu::weak]] extern const std::uint64_t ring0_line_count;
}
// NOLINTEND(readability-identifier-naming)

namespace fb::kernel::arch {

Symbol symbol_at(std::uint64_t address) {
  const auto* count = &symbol_count;
  if (count == nullptr || *count == 0 || address < kKernelBase + symbol_offsets[0]) return {"?", 0};
  std::uint32_t low = 0, high = *count;
  while (high - low > 1) {
    const auto middle = low + (high - low) / 2;
    (kKernelBase + symbol_offsets[middle] <= address ? low : high) = middle;
  }
  const char* name = symbol_text + symbol_names[low];
  std::size_t length = 0;
  while (name[length] != '\0') ++length;
  return {std::string_view(name, length), address - kKernelBase - symbol_offsets[low]};
}

std::uint64_t ring0_lines() {
  const auto* count = &ring0_line_count;
  return count == nullptr ? 0 : *count;
}

}  // namespace fb::kernel::arch

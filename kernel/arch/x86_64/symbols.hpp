// The image's own symbol table, for backtraces. tools/kernel_symbols.py makes it from a first link of the image.
#pragma once

#include <cstdint>
#include <string_view>

namespace fb::kernel::arch {

struct Symbol {
  std::string_view name;  ///< "?" if there is none
  std::uint64_t offset;   ///< from the symbol's start
};
Symbol symbol_at(std::uint64_t address);

/// Ring-0 lines as `./fb loc` counted them for this image (C1.08); 0 if nobody did.
std::uint64_t ring0_lines();

}  // namespace fb::kernel::arch

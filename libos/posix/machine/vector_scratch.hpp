// Vector states on their way between ring 0 and this LibOS, which has no vector registers itself.
#pragma once

#include <span>

#include "libos/posix/machine/program_context.hpp"

namespace fb::libos::posix::machine {

/// Room for one state, in XSAVE's standard format. One per carrier, which alone uses it.
class VectorScratch {
 public:
  /// Before anything else. `behind`: bytes that the caller needs after the state. Errors: NoMemory.
  Answer<> open(core::ByteCount behind);

  /// What save() wrote or load() will read, and what is behind it.
  [[nodiscard]] std::span<std::byte> bytes() const { return room_.mapping.bytes().first(size_); }
  /// The state components that this processor has (XCR0).
  [[nodiscard]] std::uint64_t components() const { return components_; }
  /// The context does not run. Errors: NoMemory.
  Answer<> save(const ProgramContext& from);
  /// Errors: Fault, if ring 0 does not take it for a state.
  Answer<> load(ProgramContext& into);

 private:
  rt::Region room_;
  std::size_t size_ = 0;
  std::uint64_t components_ = 0;
};

}  // namespace fb::libos::posix::machine

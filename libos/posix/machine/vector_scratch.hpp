// Vector states on their way between ring 0 and this LibOS, which has no vector registers itself.
#pragma once

#include <array>
#include <span>

#include "libos/posix/machine/program_context.hpp"

namespace fb::libos::posix::machine {

/// Room for one state, in XSAVE's standard format. One per carrier, which alone uses it.
class VectorScratch {
 public:
  /// Before anything else. `behind`: bytes that the caller needs after the state. Errors: NoMemory, NotSupported for a processor
  /// with more components than are known.
  Answer<> open(core::ByteCount behind);

  /// What save() wrote or load() will read, and what is behind it.
  [[nodiscard]] std::span<std::byte> bytes() const { return room_.mapping.bytes().first(size_); }
  /// The state components that this processor has (XCR0).
  [[nodiscard]] std::uint64_t components() const { return components_; }
  /// Where the components are that are not in the first head() bytes: x87, SSE, and the header, which says in its first word which
  /// of them the state has. The others are initial, and their bytes say nothing (Intel SDM 1, 13.4).
  struct Part {
    std::uint64_t component = 0;  ///< its bit
    std::size_t offset = 0, size = 0;
  };
  [[nodiscard]] std::size_t head() const { return components_ == kX87AndSse ? kHeaderAt : kHeadBytes; }
  [[nodiscard]] std::span<const Part> parts() const { return {parts_.data(), part_count_}; }
  [[nodiscard]] bool holds(const Part& part) const {
    std::uint64_t held = 0;
    __builtin_memcpy(&held, bytes().data() + kHeaderAt, sizeof held);
    return (held & part.component) != 0;
  }
  /// The context does not run. Errors: NoMemory.
  Answer<> save(const ProgramContext& from);
  /// As a program begins.
  Answer<> clear(ProgramContext& context);
  /// Errors: Fault, if ring 0 does not take it for a state.
  Answer<> load(ProgramContext& into);

 private:
  static constexpr std::size_t kHeaderAt = 512, kHeadBytes = 576;
  static constexpr std::uint64_t kX87AndSse = 3;
  Answer<> find_parts();

  rt::Region room_;
  std::size_t size_ = 0;
  std::uint64_t components_ = 0;
  std::array<Part, 16> parts_{};
  std::size_t part_count_ = 0;
};

}  // namespace fb::libos::posix::machine

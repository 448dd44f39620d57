// What a program finds on its stack when it begins: arguments, environment and auxiliary vector (System V ABI, AMD64
// supplement 3.4.1; C4.02).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "libos/posix/base/vector.hpp"

namespace fb::libos::posix::exec {

/// Entries of the auxiliary vector (uapi linux/auxvec.h).
enum class Aux : std::uint64_t {
  End = 0,
  ProgramHeaders = 3,
  HeaderSize = 4,
  HeaderCount = 5,
  PageSize = 6,
  InterpreterBase = 7,
  Flags = 8,
  Entry = 9,
  Uid = 11,
  EffectiveUid = 12,
  Gid = 13,
  EffectiveGid = 14,
  Platform = 15,
  Capabilities = 16,
  ClockTicks = 17,
  Secure = 23,
  Random = 25,
  ExecutablePath = 31,
  VdsoHeader = 33,
};
struct AuxEntry {
  Aux what;
  std::uint64_t value;
};

struct StartText {
  std::span<const std::string_view> arguments, environment;
  std::string_view path;  ///< of the executable
};

/// No text is longer than this, with its NUL (MAX_ARG_STRLEN of Linux).
inline constexpr std::size_t kMaxText = 128 * 1024;

struct StartStack {
  std::uint64_t pointer;    ///< rsp, a multiple of 16; `bytes` begin there
  Vector<std::byte> bytes;  ///< up to the top of the stack
  /// Addresses in it: the texts of the environment follow those of the arguments.
  std::uint64_t auxiliary = 0, auxiliary_end = 0, arguments = 0, environment = 0, environment_end = 0;
};

/// The bytes for a stack that ends at `top`, page-aligned, and may hold `most` bytes for this. `values` need no End;
/// Random, ExecutablePath and Platform are added. No argument, which some programs do not expect, becomes one empty one,
/// as Linux has it since 5.18. Errors: ArgumentsTooLong, NoMemory.
Answer<StartStack> make_start_stack(std::uint64_t top, std::size_t most, const StartText& text,
                                    std::span<const AuxEntry> values, std::span<const std::byte, 16> random);

}  // namespace fb::libos::posix::exec

// Why a Linux call fails: errno values as results (C4; DESIGN §8).
#pragma once

#include <cstdint>
#include <expected>

#include "core/result.hpp"

namespace fb::libos::posix {

/// What a Linux program finds in errno. The C names are macros wherever <errno.h> is, so these have names of their own.
enum class Errno : std::uint64_t {
#define FB_ERRNO(name, number, spelling) name = (number),
#include "libos/posix/base/errno.def"
#undef FB_ERRNO
};

template <class T = void>
using Answer = std::expected<T, Errno>;

/// `return fail(Errno::NoEntry);` in a function that returns any Answer.
[[nodiscard]] constexpr std::unexpected<Errno> fail(Errno error) { return std::unexpected<Errno>{error}; }

/// "ENOENT"; never null. An unknown number gives "E?".
constexpr const char* spelling_of(Errno error) {
  switch (error) {
#define FB_ERRNO(name, number, spelling) \
  case Errno::name:                      \
    return spelling;
#include "libos/posix/base/errno.def"
#undef FB_ERRNO
  }
  return "E?";
}

/// What a call leaves in rax: the value, or -errno.
constexpr std::uint64_t to_register(Errno error) { return ~static_cast<std::uint64_t>(error) + 1; }

}  // namespace fb::libos::posix

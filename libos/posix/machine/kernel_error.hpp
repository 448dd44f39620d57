// The kernel's refusals as a Linux program would hear of them.
#pragma once

#include "libos/posix/base/errno.hpp"

namespace fb::libos::posix::machine {

/// What ring 0 refuses for want of memory is ENOMEM; anything else is a mistake of the LibOS, not of the program: EIO.
constexpr Errno errno_of(core::Error error) {
  switch (error) {
    case core::Error::NoMemory:
    case core::Error::NoSlots:
    case core::Error::Limit:
      return Errno::NoMemory;
    default:
      return Errno::Io;
  }
}

template <class T>
Answer<T> answer_of(core::Result<T> result) {
  if (!result) return fail(errno_of(result.error()));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return *std::move(result);
}

}  // namespace fb::libos::posix::machine

// What a submission asks for, before anything of it is done.
#pragma once

#include "libos/posix/base/errno.hpp"
#include "libos/posix/uring/abi.hpp"

namespace fb::libos::posix::uring {

/// Who does it: the ring itself, or the calls (Carry).
enum class Kind : std::uint8_t { Nop, Carry, Poll, PollRemove, Timeout, TimeoutRemove, LinkTimeout, Cancel };

struct Operation {
  Kind kind = Kind::Nop;
  std::uint32_t waits_for = 0;  ///< events of its file; none: where it has to wait, a worker does
  bool has_file = false;        ///< its descriptor is a file's
  bool transfers = false;       ///< bytes: a short one breaks a chain
  bool pieces = false;          ///< its address is that of an iovec
  bool registered_memory = false;
  bool no_wait = false;  ///< it fails where it would have to wait; O_NONBLOCK of its file does not say that
  bool many = false;     ///< it completes again and again
};

/// Errors, which become those of its completion: Invalid, NotSupported, BadDescriptor.
Answer<Operation> decode(const Sqe& submission);

/// Whether there is such an operation.
bool known(std::uint8_t opcode);

}  // namespace fb::libos::posix::uring

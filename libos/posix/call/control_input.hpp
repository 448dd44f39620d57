// Control messages of a program that sends: files and credentials (cmsg(3), unix(7)).
#pragma once

#include "libos/posix/call/sockets.hpp"

namespace fb::libos::posix::call {

/// Files and credentials that go along with `what`. Errors: NoBuffers, Fault, Invalid, BadDescriptor, Perm, NoProcess, NoMemory.
Answer<> read_control(const Call& call, const socket::Header& header, socket::Outgoing& what);

}  // namespace fb::libos::posix::call

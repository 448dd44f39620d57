// All of System V's interprocess communication of an instance.
#pragma once

#include "libos/posix/sysv/messages.hpp"
#include "libos/posix/sysv/semaphores.hpp"
#include "libos/posix/sysv/shared_memory.hpp"

namespace fb::libos::posix::sysv {

struct Ipc {
  Segments segments;
  Semaphores semaphores;
  MessageQueues queues;
};

}  // namespace fb::libos::posix::sysv

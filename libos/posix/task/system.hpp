// What all processes of an instance share.
#pragma once

#include "libos/posix/base/frames.hpp"
#include "libos/posix/machine/call_queue.hpp"
#include "libos/posix/machine/pages_source.hpp"
#include "libos/posix/machine/vector_scratch.hpp"
#include "libos/posix/socket/domain.hpp"
#include "libos/posix/sync/futexes.hpp"
#include "libos/posix/sysv/ipc.hpp"
#include "libos/posix/task/identity.hpp"
#include "libos/posix/tty/job_control.hpp"
#include "libos/posix/vdso/program_pages.hpp"
#include "libos/posix/vfs/devices.hpp"
#include "libos/posix/vfs/memory_file.hpp"
#include "libos/posix/vfs/mounts.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::posix::procfs {
class Mounter;
}
namespace fb::libos::posix::poll {
struct Services;
}

namespace fb::libos::posix::task {

class Thread;
class Processes;

/// Gives a thread its fibre.
class Starter {
 public:
  /// It runs from now on, until it ends. Errors: NoMemory.
  virtual Answer<> start(Thread& thread) = 0;

 protected:
  ~Starter() = default;
};

/// Made once; everything in it outlives every process.
struct System {
  machine::PagesSource& source;
  machine::CallQueue& queue;
  machine::VectorScratch& vector;
  Frames& frames;
  vfs::Clock& clock;
  vfs::RandomSource& random;
  vfs::Devices& devices;
  vfs::Mounts& mounts;
  rt::Fibres& fibres;
  sync::Futexes& futexes;
  socket::Domain& sockets;
  tty::JobControl& jobs;
  Processes& processes;
  Starter& starter;
  poll::Services& events;
  Identity identity{};
  procfs::Mounter* mounter = nullptr;  ///< none: nothing is mounted by programs
  vfs::MemoryFiles memory_files{};
  sysv::Ipc ipc{};
  Ref<vdso::ProgramPages> vdso{};  ///< there before the first program is
};

}  // namespace fb::libos::posix::task

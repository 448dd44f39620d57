// What all processes of an instance share.
#pragma once

#include "libos/posix/aio/context.hpp"
#include "libos/posix/base/frames.hpp"
#include "libos/posix/machine/call_queue.hpp"
#include "libos/posix/machine/pages_source.hpp"
#include "libos/posix/machine/program_pool.hpp"
#include "libos/posix/machine/vector_scratch.hpp"
#include "libos/posix/socket/domain.hpp"
#include "libos/posix/sync/futexes.hpp"
#include "libos/posix/sysv/ipc.hpp"
#include "libos/posix/task/identity.hpp"
#include "libos/posix/tty/job_control.hpp"
#include "libos/posix/uring/ring.hpp"
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

/// What the instance has to say itself, and no program.
class Log {
 public:
  /// A line, with its end. May wait; what cannot be said is lost.
  virtual void say(std::string_view line, vfs::Waiter& waiter) = 0;

 protected:
  ~Log() = default;
};

/// Calls of programs that nobody serves, each of which is said once.
class UnknownCalls {
 public:
  static constexpr std::size_t kNumbers = 512;
  /// Whether it is the first time; those beyond the numbers are as one.
  bool first(std::uint64_t number) {
    const auto at = number < kNumbers ? number : kNumbers;
    const auto bit = std::uint64_t{1} << at % 64;
    return (std::exchange(said_[at / 64], said_[at / 64] | bit) & bit) == 0;
  }

 private:
  std::array<std::uint64_t, kNumbers / 64 + 1> said_{};
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
  Log* log = nullptr;  ///< none: nothing is said
  UnknownCalls unknown_calls{};
  Ref<vdso::ProgramPages> vdso{};  ///< there before the first program is
  uring::Quotas rings{};
  aio::Quotas contexts{};
  machine::ProgramPool pool{};
};

}  // namespace fb::libos::posix::task

// A process: memory, registers, descriptors and a place in the file system.
#pragma once

#include <optional>

#include "libos/posix/exec/load.hpp"
#include "libos/posix/machine/program_context.hpp"
#include "libos/posix/machine/program_space.hpp"
#include "libos/posix/task/system.hpp"
#include "libos/posix/vfs/descriptors.hpp"
#include "libos/posix/vfs/path.hpp"

namespace fb::libos::posix::task {

/// Number of a process; 0 is none.
using Pid = core::Strong<struct PidTag, std::int32_t>;

/// How a process ended, as wait reports it.
class End {
 public:
  static constexpr End exited(int status) { return End((status & 0xff) << 8); }
  static constexpr End killed(int signal) { return End(signal & 0x7f); }
  [[nodiscard]] constexpr std::int32_t wait_status() const { return status_; }
  /// What shells make of it.
  [[nodiscard]] constexpr int shell_status() const {
    return (status_ & 0x7f) != 0 ? 128 + (status_ & 0x7f) : status_ >> 8;
  }

 private:
  constexpr explicit End(std::int32_t status) : status_(status) {}
  std::int32_t status_;
};

class Process {
 public:
  Process(System& its, Pid number, Pid of, const Ref<vfs::Inode>& files)
      : system(its), pid(number), parent(of), root(files), directory(files), tables_(its.source, its.queue) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Before anything else. Errors: NoMemory.
  Answer<> open();
  /// Becomes the program at `path`, with fresh memory and registers. On an error after the old program has gone, the
  /// process has to end. Errors: of a walk; Access, NotExecutable, ArgumentsTooLong, NoMemory.
  Answer<> execute(std::string_view path, const exec::StartText& text);
  /// Becomes a copy of `other`, which is in a call that returns 0 here; on `stack`, if that is not 0. Errors: NoMemory.
  Answer<> copy(Process& other, core::VirtAddr stack);
  /// It has ended: what it held goes back, its parent may ask for its end.
  void finish();

  [[nodiscard]] mm::Space& memory() { return *space_; }
  [[nodiscard]] machine::ProgramContext& context() { return context_; }
  [[nodiscard]] vfs::Place place(const Ref<vfs::Inode>& from) const {
    return {.root = root, .directory = from, .who = {}, .mounts = system.mounts};
  }
  [[nodiscard]] vfs::Place place() const { return place(directory); }

  System& system;
  const Pid pid;
  Pid parent;
  Ref<vfs::Inode> root, directory;
  vfs::Descriptors descriptors;
  std::uint32_t umask = 022;
  std::optional<End> ended;
  bool finished = false;
  bool replaced = false;       ///< execute() has given the old program up
  vfs::WaitQueue child_ended;  ///< where it waits for its children

 private:
  machine::ProgramSpace tables_;
  std::optional<mm::Space> space_;  ///< goes before its tables
  machine::ProgramContext context_;
};

}  // namespace fb::libos::posix::task

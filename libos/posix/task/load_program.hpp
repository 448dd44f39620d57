// From a path to memory with a program in it (execve(2); C4.02).
#pragma once

#include "libos/posix/exec/load.hpp"
#include "libos/posix/task/ids.hpp"
#include "libos/posix/task/system.hpp"
#include "libos/posix/vfs/path.hpp"

namespace fb::libos::posix::task {

/// Who runs it, and where paths begin.
struct Loader {
  System& system;
  const vfs::Place& place;
  const Credentials& ids;
  bool may_gain;  ///< set-user-id and set-group-id mean something
};

struct Loaded {
  exec::Start start;
  vfs::Target program;
  Credentials ids;  ///< with what set-user-id and set-group-id files give
  std::array<char, 16> name;
};

/// Maps the program, its interpreter or that of a script, and makes its stack. Errors: of a walk; Access, NotExecutable, Loop for
/// scripts of scripts of scripts, ArgumentsTooLong, NoMemory.
Answer<Loaded> load_program(const Loader& loader, mm::Space& space, std::string_view path,
                            const exec::StartText& text);

}  // namespace fb::libos::posix::task

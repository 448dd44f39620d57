// The address space that the threads of a process share; with vfork, two processes for a while.
#pragma once

#include <optional>

#include "libos/posix/machine/program_space.hpp"
#include "libos/posix/mm/space.hpp"
#include "libos/posix/task/system.hpp"

namespace fb::libos::posix::task {

class Memory final : public Shared {
 public:
  explicit Memory(System& system) : tables_(system.source, system.queue) {}

  /// Errors: NoMemory.
  static Answer<Ref<Memory>> make(System& system, const mm::Limits& limits);
  /// The same bytes, copied when they are written. Errors: NoMemory.
  Answer<Ref<Memory>> copy(System& system);

  [[nodiscard]] mm::Space& space() { return *space_; }
  [[nodiscard]] machine::CallQueue::SpaceCap cap() const { return tables_.cap(); }

 private:
  machine::ProgramSpace tables_;
  std::optional<mm::Space> space_;  ///< goes before its tables
};

}  // namespace fb::libos::posix::task

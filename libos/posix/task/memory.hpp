// The address space that the threads of a process share; with vfork, two processes for a while.
#pragma once

#include <optional>

#include "libos/posix/aio/context.hpp"
#include "libos/posix/machine/program_space.hpp"
#include "libos/posix/mm/space.hpp"
#include "libos/posix/task/system.hpp"

namespace fb::libos::posix::task {

class Memory final : public Shared {
 public:
  explicit Memory(System& system) : tables_(system.source, system.queue, system.pool) {}

  /// Errors: NoMemory.
  static Answer<Ref<Memory>> make(System& system, const mm::Limits& limits);
  /// The same bytes, copied when they are written, or now where both will soon. Errors: NoMemory.
  Answer<Ref<Memory>> copy(System& system, std::span<const core::VirtAddr> written);

  /// Of io_setup; a copy has none.
  [[nodiscard]] aio::Contexts& contexts() { return contexts_; }
  [[nodiscard]] mm::Space& space() { return *space_; }
  [[nodiscard]] machine::CallQueue::SpaceCap cap() const { return tables_.cap(); }

 private:
  machine::ProgramSpace tables_;
  std::optional<mm::Space> space_;  ///< goes before its tables
  aio::Contexts contexts_;
};

}  // namespace fb::libos::posix::task

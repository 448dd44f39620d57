// pidfd_open(2): a process by a descriptor, which never means another one.
#pragma once

#include "libos/posix/poll/event_file.hpp"
#include "libos/posix/task/process.hpp"

namespace fb::libos::posix::task {

/// Readable from the moment the process has ended; hung up when its parent has asked for that.
class PidFile final : public poll::EventFile {
 public:
  static constexpr char kAnonymousName[] = "[pidfd]";

  PidFile(Ref<Life> life, std::uint32_t flags) : EventFile(flags), life_(std::move(life)) {}
  /// `flags` may have kNonBlock. Errors: NoMemory.
  static Answer<Ref<vfs::File>> make(Process& process, std::uint32_t flags);
  /// Null when nothing of it is left.
  [[nodiscard]] Process* process() const { return life_->process; }

  [[nodiscard]] vfs::PollState poll() override;
  [[nodiscard]] const char* anonymous_name() const override { return kAnonymousName; }
  [[nodiscard]] std::optional<std::int32_t> named_process() const override;

 private:
  Ref<Life> life_;
};

}  // namespace fb::libos::posix::task

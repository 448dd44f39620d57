// What /proc and /sys tell of this instance.
#pragma once

#include "libos/posix/procfs/information.hpp"
#include "libos/posix/task/processes.hpp"
#include "libos/posix/task/processor_model.hpp"

namespace fb::libos::posix::task {

/// Looks at the processes as they are when it is asked; keeps nothing of them.
class InstanceInformation final : public procfs::Information {
 public:
  /// `root` is where paths begin for whoever is no thread of a program. `processors` is how many of them programs run on.
  InstanceInformation(System& system, const Ref<vfs::Inode>& root, std::uint32_t processors)
      : system_(system), root_(root), processors_(processors) {}

  [[nodiscard]] procfs::Subject caller() const override;
  [[nodiscard]] vfs::Place place() const override;
  [[nodiscard]] procfs::SystemState system() const override;
  [[nodiscard]] procfs::ProcessorState processor(std::uint32_t number) const override;
  [[nodiscard]] std::optional<procfs::Pid> next_process(procfs::Pid after) const override;
  [[nodiscard]] std::optional<procfs::Pid> next_thread(procfs::Pid process, procfs::Pid after) const override;
  [[nodiscard]] Answer<procfs::ProcessState> state(procfs::Subject subject) const override;
  [[nodiscard]] Answer<Owner> owner(procfs::Subject subject) const override;
  [[nodiscard]] core::Nanoseconds boot() const override;
  [[nodiscard]] Answer<std::size_t> start_part(procfs::Pid process, procfs::StartPart part,
                                               std::uint64_t offset, std::span<char> room) const override;
  [[nodiscard]] Answer<std::optional<procfs::AreaState>> area(procfs::Pid process,
                                                              std::uint64_t address) const override;
  [[nodiscard]] Answer<vfs::Target> held(procfs::Pid process, procfs::Held what) const override;
  [[nodiscard]] Answer<procfs::LimitStates> limits(procfs::Pid process) const override;
  [[nodiscard]] std::optional<vfs::Descriptor> next_descriptor(procfs::Pid process,
                                                               vfs::Descriptor from) const override;
  [[nodiscard]] Answer<Open> descriptor(procfs::Pid process, vfs::Descriptor number) const override;
  Answer<> set_name(procfs::Subject subject, std::string_view name) override;
  /// It is not kept: nobody is ended for want of memory.
  Answer<> set_oom_adjustment(procfs::Pid process, std::int32_t value) override;

 private:
  [[nodiscard]] Answer<Process*> find(procfs::Pid process) const;
  [[nodiscard]] Answer<Thread*> find_thread(procfs::Subject subject) const;
  /// Not of one that is finished. Errors: NoProcess.
  [[nodiscard]] Answer<Process*> find_alive(procfs::Pid process) const;

  System& system_;
  Ref<vfs::Inode> root_;
  std::uint32_t processors_;
  ProcessorModelText model_;
};

}  // namespace fb::libos::posix::task

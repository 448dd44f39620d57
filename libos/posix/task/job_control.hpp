// The processes as terminals see them (POSIX.1-2024, 11.1).
#pragma once

#include "libos/posix/task/process.hpp"
#include "libos/posix/tty/job_control.hpp"

namespace fb::libos::posix::task {

/// The thread whose fibre runs, or null: then it is one of the LibOS's own.
[[nodiscard]] Thread* current_thread(const rt::Fibres& fibres);

/// The caller is the thread whose fibre runs. A terminal that a process is controlled by is a member of it.
class ProcessJobs final : public tty::JobControl {
 public:
  ProcessJobs(rt::Fibres& fibres, Processes& processes) : fibres_(fibres), processes_(processes) {}

  [[nodiscard]] tty::Caller caller() const override;
  [[nodiscard]] bool ignores(signal::Signal signal) const override;
  [[nodiscard]] bool orphaned() const override;
  [[nodiscard]] Answer<tty::SessionId> session_of(tty::GroupId group) const override;
  void send(tty::GroupId group, signal::Signal signal) override;
  void send_leader(tty::SessionId session, signal::Signal signal) override;
  [[nodiscard]] Ref<tty::Terminal> terminal() const override;
  void attach(const Ref<tty::Terminal>& terminal) override;
  void detach_caller() override;
  void detach(tty::SessionId session, tty::GroupId owed) override;

 private:
  rt::Fibres& fibres_;
  Processes& processes_;
};

}  // namespace fb::libos::posix::task

// signalfd(2): signals that are read.
#pragma once

#include "libos/posix/poll/event_file.hpp"
#include "libos/posix/task/process.hpp"

namespace fb::libos::posix::task {

/// struct signalfd_siginfo.
struct SignalRecord {
  std::uint32_t signal;
  std::int32_t error, code;
  std::uint32_t pid, uid;
  std::int32_t descriptor;
  std::uint32_t timer, band, overrun, trap;
  std::int32_t status, value;
  std::uint64_t pointer, user_time, system_time, address;
  std::array<std::uint8_t, 48> reserved;
};
static_assert(sizeof(SignalRecord) == 128);

/// Whoever reads takes signals of its own thread and process; whoever waits hears of the process that made it.
class SignalFile final : public poll::EventFile {
 public:
  static constexpr char kAnonymousName[] = "[signalfd]";

  SignalFile(const Process& process, const rt::Fibres& fibres, signal::Set mask, std::uint32_t flags)
      : EventFile(flags), fibres_(fibres), arrival_(process.arrival), mask_(mask) {}
  void set_mask(signal::Set mask);
  [[nodiscard]] vfs::PollState poll() override;
  [[nodiscard]] const char* anonymous_name() const override { return kAnonymousName; }

 private:
  /// Whole records. Errors: Invalid for less than one, TryAgain, Restart, Fault.
  Answer<std::size_t> on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) override;

  const rt::Fibres& fibres_;
  Ref<SignalArrival> arrival_;
  signal::Set mask_;
};

}  // namespace fb::libos::posix::task

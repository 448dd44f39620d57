// More contexts for the fibres of a program: one on each processor that it has time on.
#pragma once

#include "libos/rt/environment.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::rt {

/// Started once, and never stopped before the program ends. The context that starts it is left to wait for events.
class Team {
 public:
  explicit Team(Fibres& fibres) : fibres_(fibres) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// From now on the fibres that are ready run, on all processors of the environment's slots. Errors: NoSlices when there is
  /// none besides the caller's own, those of memory and contexts.
  core::Result<> start();
  /// Waits for the program's event, and gives fibres what comes, until `last` comes. Faults when another member has, as the
  /// starter sees the first context only: without it nobody would be told of a program that can do nothing any more.
  void serve(abi::EventBits last);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Member {
    KernelMachine::Seat seat;
    Fibres* fibres{};
    sched::Cpu cpu{};
  };
  void fault_as_members_do() const;
  core::Result<> add_all();
  core::Result<> add(core::CpuId cpu, std::uint64_t slots, sched::Cpu number);
  [[noreturn]] static void run(Member* member);

  Fibres& fibres_;
  std::array<Member, kMaxCpus> members_;
  std::size_t size_ = 0;
};

}  // namespace fb::libos::rt

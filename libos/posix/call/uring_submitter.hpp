// A thread as rings see it: what it submits is carried out by the handlers of calls (io_uring(7)).
#pragma once

#include "libos/posix/call/call.hpp"
#include "libos/posix/uring/submitter.hpp"

namespace fb::libos::posix::call {

class ThreadSubmitter final : public uring::Submitter {
 public:
  explicit ThreadSubmitter(task::Thread& thread) : thread_(thread) {}
  /// The caller's, made when it is asked for first. Errors: NoMemory.
  static Answer<uring::Submitter*> of(const Call& call);

  [[nodiscard]] const vfs::Descriptors& descriptors() const override { return thread_.process.descriptors; }
  Answer<> read(core::VirtAddr from, std::span<std::byte> into) override {
    return thread_.process.memory().read(from, into);
  }
  Answer<std::uint64_t> carry_out(uring::Request& request, vfs::Patience& patience) override;
  Answer<> start_worker(uring::Request& request) override;
  void breathe() override { thread_.process.system.fibres.yield(); }

 private:
  task::Thread& thread_;
};

}  // namespace fb::libos::posix::call

// The fibre that rings alarms (timerfd).
#pragma once

#include "libos/posix/poll/alarms.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::posix {

class FibrePacemaker final : public poll::Pacemaker {
 public:
  /// Both outlive it.
  FibrePacemaker(rt::Fibres& fibres, poll::Alarms& alarms) : fibres_(fibres), alarms_(alarms) {}
  /// Once, before any alarm is set. Errors: NoMemory.
  Answer<> start();
  void pace(core::Nanoseconds /*earliest*/) override { fibres_.unblock(*fibre_); }
  [[nodiscard]] core::Nanoseconds now() const override { return rt::now(); }

 private:
  rt::Fibres& fibres_;
  poll::Alarms& alarms_;
  rt::Fibre* fibre_ = nullptr;
};

}  // namespace fb::libos::posix

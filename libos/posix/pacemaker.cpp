#include "libos/posix/pacemaker.hpp"

namespace fb::libos::posix {

Answer<> FibrePacemaker::start() {
  const auto fibre = fibres_.spawn(
      [](void* argument) {
        auto& self = *static_cast<FibrePacemaker*>(argument);
        for (;;) {
          self.alarms_.ring_due(rt::now());
          self.fibres_.block(self.alarms_.earliest());
        }
      },
      this);
  if (!fibre) return fail(Errno::NoMemory);
  fibre_ = *fibre;
  return {};
}

}  // namespace fb::libos::posix

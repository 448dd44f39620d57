// Undoing what a capability held up.
#pragma once

#include "kernel/object/kernel.hpp"

namespace fb::kernel::reap {

/// What unbinding under an object's lock leaves to be done without it: it involves other CPUs.
struct Aftermath {
  object::AddressSpace* flush = nullptr;  ///< shoot this one down, then free `tables`
  mem::DetachedTables tables;
  object::Context* stop = nullptr;     ///< stop this one,
  bool drop_area = false;              ///< and forget its area
  object::Context* abandon = nullptr;  ///< end the gate call of this one
  object::Context* evict = nullptr;    ///< end the run of this one
  explicit Aftermath(mem::TableMachine& machine) : tables(machine) {}
};

/// Removes some of what hangs on `entry`, whose object's lock is held. True when nothing is left. When it returns
/// false the caller finishes `aftermath` and calls again.
bool unbind(object::Cpu& cpu, object::Entry& entry, Aftermath& aftermath);
/// Does what is left, without locks, or asks for it: what is not done yet, the next `unbind` finds again.
void finish(object::Cpu& cpu, Aftermath& aftermath);

}  // namespace fb::kernel::reap

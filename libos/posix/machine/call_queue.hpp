// Mappings that wait for the next trap: the call ring of the carrier (C6.21).
#pragma once

#include "abi/calls.hpp"
#include "libos/posix/base/errno.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::posix::machine {

/// Calls are made in the order they were queued, at the latest by flush(). Whoever uses it has the LibOS lock; it is empty
/// when another context gets that, whose ring it then is.
class CallQueue {
 public:
  using SpaceCap = abi::Cap<abi::ObjectType::AddressSpace>;
  using PagesCap = abi::Cap<abi::ObjectType::Pages>;

  /// `first`: the ring of the context that is none of the machine's seats.
  CallQueue(const rt::KernelMachine& machine, exo_ring& first) : machine_(machine), first_(first) {}
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  /// At most 64 pages.
  void map(SpaceCap space, PagesCap pages, core::VirtAddr address, core::PageCount offset,
           core::PageCount count, abi::Access access);
  /// At most 64 pages.
  void unmap(SpaceCap space, core::VirtAddr address, core::PageCount count);
  /// All have been made; what was refused, flush() says.
  void submit();
  /// All have been made. Errors: NoMemory, if one since the last flush was a page that could not be mapped.
  Answer<> flush() {
    if (!touched_) [[likely]]
      return {};
    return flush_all();
  }

 private:
  Answer<> flush_all();
  void push(const exo_ring_entry& entry);
  static bool call(const exo_ring_entry& entry);

  [[nodiscard]] exo_ring& ring() const {
    const auto* const seat = machine_.holder();
    return seat == nullptr ? first_ : seat->ring();
  }

  const rt::KernelMachine& machine_;
  exo_ring& first_;
  std::uint32_t count_ = 0;
  bool refused_ = false;
  bool touched_ = false;  ///< since the last flush
};

}  // namespace fb::libos::posix::machine

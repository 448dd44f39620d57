// Mappings that wait for the next trap: the call ring of the carrier (C6.21).
#pragma once

#include "abi/calls.hpp"
#include "libos/posix/base/errno.hpp"

namespace fb::libos::posix::machine {

/// Calls are made in the order they were queued, at the latest by flush(). Whoever uses it has the LibOS lock, and the ring of
/// the context it is on; it is empty when that changes.
class CallQueue {
 public:
  using SpaceCap = abi::Cap<abi::ObjectType::AddressSpace>;
  using PagesCap = abi::Cap<abi::ObjectType::Pages>;

  explicit CallQueue(exo_ring& ring) : ring_(&ring) {}
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  void map(SpaceCap space, PagesCap pages, core::VirtAddr address, core::PageCount offset,
           abi::Access access);
  /// The ring of another context.
  void use(exo_ring& ring) { ring_ = &ring; }
  /// At most 64 pages.
  void unmap(SpaceCap space, core::VirtAddr address, core::PageCount count);
  /// All have been made; what was refused, flush() says.
  void submit();
  /// All have been made. Errors: NoMemory, if one since the last flush was a page that could not be mapped.
  Answer<> flush() {
    if (count_ == 0 && !refused_) return {};
    return flush_all();
  }

 private:
  Answer<> flush_all();
  void push(const exo_ring_entry& entry);

  exo_ring* ring_;
  std::uint32_t count_ = 0;
  bool refused_ = false;
};

}  // namespace fb::libos::posix::machine

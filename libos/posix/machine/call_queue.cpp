#include "libos/posix/machine/call_queue.hpp"

namespace fb::libos::posix::machine {

void CallQueue::map(SpaceCap space, PagesCap pages, core::VirtAddr address, core::PageCount offset,
                    core::PageCount count, abi::Access access) {
  push(abi::calls::encode_map_pages(space, pages, address, offset, count, access));
}

void CallQueue::unmap(SpaceCap space, core::VirtAddr address, core::PageCount count) {
  push(abi::calls::encode_unmap_pages(space, address, count));
}

void CallQueue::push(const exo_ring_entry& entry) {
  touched_ = true;
  if (count_ == EXO_RING_ENTRIES) submit();
  ring().entries[count_++] = entry;
}

/// One of those that this queue makes. False: it was refused.
bool CallQueue::call(const exo_ring_entry& entry) {
  const SpaceCap space(entry.args[0]);
  if (entry.call == static_cast<std::uint32_t>(abi::CallNumber::UnmapPages))
    return abi::calls::unmap_pages(space, core::VirtAddr(entry.args[1]), core::PageCount(entry.args[2]))
        .has_value();
  return abi::calls::map_pages(space, PagesCap(entry.args[1]), core::VirtAddr(entry.args[2]),
                               core::PageCount(entry.args[3]), core::PageCount(entry.args[4]),
                               abi::Access(entry.args[5]))
      .has_value();
}

/// A batch ends at the first call that is refused: the others are made without it. One that had to end for another
/// reason goes on with the call that it ended at.
void CallQueue::submit() {
  constexpr auto kInterrupted = static_cast<std::uint32_t>(core::Error::Interrupted);
  if (count_ == 1) {  // for one alone a batch is a detour
    count_ = 0;
    refused_ = !call(ring().entries[0]) || refused_;
    return;
  }
  while (count_ != 0) {
    const auto done = static_cast<std::uint32_t>(abi::calls::ring_submit(count_).value_or(0));
    if (done == count_) break;
    auto& entries = ring().entries;
    const bool refused = entries[done].status != kInterrupted;
    refused_ = refused_ || refused;
    const auto next = done + (refused ? 1 : 0);
    count_ -= next;
    for (std::uint32_t i = 0; i < count_; ++i) entries[i] = entries[next + i];
  }
  count_ = 0;
}

Answer<> CallQueue::flush_all() {
  submit();
  touched_ = false;
  const bool refused = refused_;
  refused_ = false;
  if (refused) return fail(Errno::NoMemory);
  return {};
}

}  // namespace fb::libos::posix::machine

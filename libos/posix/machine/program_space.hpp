// A program's page tables: an address space of ring 0, edited through the call queue.
#pragma once

#include "libos/posix/machine/call_queue.hpp"
#include "libos/posix/machine/pages_source.hpp"
#include "libos/posix/machine/program_pool.hpp"
#include "libos/posix/mm/mapper.hpp"

namespace fb::libos::posix::machine {

/// Source, queue and pool outlive it. Not for concurrent use.
class ProgramSpace final : public mm::Mapper {
 public:
  ProgramSpace(const PagesSource& source, CallQueue& queue, ProgramPool& pool)
      : source_(source), queue_(queue), pool_(pool) {}
  ProgramSpace(const ProgramSpace&) = delete;
  ProgramSpace& operator=(const ProgramSpace&) = delete;
  /// All that was mapped has been unmapped, and no context runs in it any more.
  ~ProgramSpace() { pool_.give(std::move(space_)); }

  /// Before anything else. Errors: NoMemory.
  Answer<> open();
  [[nodiscard]] CallQueue::SpaceCap cap() const { return space_.get(); }

  Answer<> map(core::VirtAddr address, FrameId frame, core::PageCount count, mm::Access access) override;
  void unmap(core::VirtAddr address, core::PageCount count) override;
  void protect(core::VirtAddr address, core::PageCount count, mm::Access access) override;
  Answer<> flush() override { return queue_.flush(); }

 private:
  const PagesSource& source_;
  CallQueue& queue_;
  ProgramPool& pool_;
  rt::Owned<abi::ObjectType::AddressSpace> space_;
};

}  // namespace fb::libos::posix::machine

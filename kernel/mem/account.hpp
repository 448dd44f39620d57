// Memory with a payer: frames and kernel objects charged to a budget (DESIGN §5 "Budgets", CAP-6).
#pragma once

#include <array>

#include "core/budget/budget.hpp"
#include "kernel/mem/memory.hpp"

namespace fb::kernel::mem {

/// A budget's books and its own slabs. Objects of different payers never share a page, so what one payer does with its
/// objects cannot strand the memory of another. Thread-safe.
class Account {
 public:
  core::budget::Budget books;

  /// A zeroed run of frames. Errors: NoMemory (this budget, or the machine), Limit.
  core::Result<core::FrameNumber> take_frames(Memory& memory, core::PageCount count, FrameState use,
                                              void* owner);
  /// The same, contents not yet zeroed: the caller does, before anyone can see them.
  core::Result<core::FrameNumber> take_raw_frames(Memory& memory, core::PageCount count, FrameState use,
                                                  void* owner);
  void give_frames(Memory& memory, core::FrameNumber first, core::PageCount count);

  /// Zeroed storage for one kernel object of `bytes` (at most kLargestObject), aligned to its power-of-two size.
  core::Result<void*> allocate(Memory& memory, core::ByteCount bytes);
  /// Gives it back; an empty slab page is refunded at once.
  void free(Memory& memory, void* object);

  static constexpr std::uint64_t kLargestObject = 2048;

 private:
  static constexpr unsigned kSmallestShift = 7, kClasses = 5;  // 128 to 2048 bytes
  core::Result<> add_page(Memory& memory, unsigned size_class);
  void unlink(Memory& memory, std::uint32_t number, unsigned size_class);
  void link(Memory& memory, std::uint32_t number, unsigned size_class);

  arch::RankedLock<arch::Rank::Slab> lock_;
  std::array<std::uint32_t, kClasses> partial_{core::mem::kNoFrame, core::mem::kNoFrame, core::mem::kNoFrame,
                                               core::mem::kNoFrame, core::mem::kNoFrame};
};

}  // namespace fb::kernel::mem

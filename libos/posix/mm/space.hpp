// The address space of a Linux process: areas say what should be there, pages what is, and the machine follows (C4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "libos/posix/mm/areas.hpp"
#include "libos/posix/mm/pages.hpp"

namespace fb::libos::posix::mm {

/// RLIMIT_AS, RLIMIT_STACK, RLIMIT_DATA and RLIMIT_MEMLOCK, and where the search for free addresses begins, downwards.
struct Limits {
  core::ByteCount address_space{~std::uint64_t{0}};
  core::ByteCount stack{std::uint64_t{8} << 20};
  core::ByteCount data{~std::uint64_t{0}};
  core::ByteCount locked{~std::uint64_t{0}};
  core::VirtAddr mmap_base{kTop - (std::uint64_t{128} << 20)};
};

/// Where exec put what the program begins with: addresses, for /proc. The environment follows the arguments.
struct StartLayout {
  std::uint64_t stack = 0, auxiliary = 0, auxiliary_end = 0;
  std::uint64_t arguments = 0, environment = 0, environment_end = 0;
};

/// The arguments of mmap, with what the descriptor stands for.
struct MapRequest {
  core::VirtAddr address{};
  core::ByteCount length{};
  std::uint32_t protection = kProtNone;
  std::uint32_t flags = 0;
  Ref<Backing> backing{};  ///< not looked at with MAP_ANONYMOUS
  core::ByteCount offset{};
  std::uint32_t most = kProtAll;  ///< of PROT_*: what the descriptor and the file system allow
};

enum class Touch : std::uint8_t { Read, Write, Execute };

[[nodiscard]] constexpr bool allows(Access access, Touch touch) {
  switch (touch) {
    case Touch::Read:
      return access != Access::None;
    case Touch::Write:
      return access == Access::ReadWrite;
    case Touch::Execute:
      return access == Access::ReadExecute;
  }
  return false;
}

/// What a fault comes to: the program goes on, or gets SIGSEGV with SEGV_MAPERR or SEGV_ACCERR, or SIGBUS with BUS_ADRERR.
enum class FaultResult : std::uint8_t { Handled, NotMapped, NotAllowed, Bus };

/// Not for concurrent use. Frames and mapper outlive it.
class Space {
 public:
  Space(Frames& frames, Mapper& mapper, const Limits& limits);
  Space(Space&& other) noexcept;
  Space& operator=(Space&&) = delete;
  ~Space() { clear(); }

  /// Errors: Linux's: Invalid, NoMemory, Perm, Access, Exists, Overflow, NotSupported.
  Answer<core::VirtAddr> mmap(const MapRequest& request);
  /// Errors: Invalid, NoMemory.
  Answer<> munmap(core::VirtAddr address, core::ByteCount length);
  /// What precedes the failing part is changed. Errors: Invalid, Access, NoMemory.
  Answer<> mprotect(core::VirtAddr address, core::ByteCount length, std::uint32_t protection);
  struct RemapRequest {
    core::VirtAddr address{};
    core::ByteCount old_length{}, new_length{};
    std::uint32_t flags = 0;
    core::VirtAddr new_address{};
  };
  /// Errors: Invalid, Fault, NoMemory, Perm.
  Answer<core::VirtAddr> mremap(RemapRequest request);
  /// Errors: Invalid, Access, Fault; NoMemory when a part has no area, after all the rest.
  Answer<> madvise(core::VirtAddr address, core::ByteCount length, Advice advice);
  /// Nothing is ever behind what others see. Errors: Invalid, Busy for what is locked, NoMemory for what is not mapped.
  [[nodiscard]] Answer<> msync(core::VirtAddr address, core::ByteCount length, std::uint32_t flags) const;
  /// With kLockOnFault nothing is loaded now. Errors: Invalid; NoMemory for holes, limits and what cannot be loaded.
  Answer<> mlock(core::VirtAddr address, core::ByteCount length, std::uint32_t flags);
  Answer<> munlock(core::VirtAddr address, core::ByteCount length);
  /// Errors: Invalid, NoMemory by the limit.
  Answer<> mlockall(std::uint32_t flags);
  Answer<> munlockall();
  /// Says of each page from `address` on whether a touch would find it: 1 or 0. Errors: Invalid; NoMemory at a hole.
  Answer<> mincore(core::VirtAddr address, std::span<std::byte> pages);
  /// membarrier: what it says; and whose threads are to pass a barrier, which is the caller's matter. Errors: Invalid, Perm for
  /// what is not registered.
  Answer<std::uint64_t> barrier(std::int32_t command, std::uint32_t flags);
  enum class Barrier : std::uint8_t { None, Own, All };
  static Barrier reach_of(std::int32_t command);
  /// The pages [first, end) of a backing go, its frames and, with `copies`, what was copied of them.
  void forget(Backing& backing, std::uint64_t first, std::uint64_t end, bool copies);
  void unwatch(View& view);
  /// The break after it, which is the old one when it cannot be moved.
  core::VirtAddr brk(core::VirtAddr address);
  /// Where the break begins: at exec.
  void set_brk(core::VirtAddr start);

  /// The program touched `address` and could not; its instruction is at `instruction`, if that is known. No page is
  /// writable and executable at once, so an instruction that writes to its own page would fault for ever: NotAllowed.
  /// Errors: NoMemory.
  Answer<FaultResult> fault(core::VirtAddr address, Touch touch,
                            core::VirtAddr instruction = core::VirtAddr(~std::uint64_t{0}));
  /// A space with the same memory: private pages are copied when either writes; those at `written`, where both will write at
  /// once, now. Errors: NoMemory.
  Answer<Space> fork(Mapper& mapper, std::span<const core::VirtAddr> written = {});
  /// Nothing is mapped any more: at exec and exit.
  void clear();

  /// The LibOS's own accesses, as the program could make them. Pages before a bad one are done. Errors: Fault, NoMemory.
  Answer<> read(core::VirtAddr address, std::span<std::byte> into) {
    const std::byte* const from = at_hand(address, into.size(), Touch::Read);
    if (from == nullptr) [[unlikely]]
      return read_pieces(address, into);
    __builtin_memcpy(into.data(), from, into.size());
    return {};
  }
  Answer<> write(core::VirtAddr address, std::span<const std::byte> from) {
    std::byte* const to = at_hand(address, from.size(), Touch::Write);
    if (to == nullptr) [[unlikely]]
      return write_pieces(address, from);
    __builtin_memcpy(to, from.data(), from.size());
    return {};
  }
  /// A word of the program's where this LibOS sees it, for atomic accesses while the program runs; good until the space changes.
  /// Errors: Invalid unless it is aligned, Fault, NoMemory.
  Answer<std::uint32_t*> word(core::VirtAddr address, Touch touch);
  /// Up to a NUL, without it. Errors: Fault, NoMemory; NameTooLong when `limit` bytes have none.
  Answer<Vector<char>> read_string(core::VirtAddr address, core::ByteCount limit);

  void set_start(const StartLayout& start) { start_ = start; }
  [[nodiscard]] const StartLayout& start() const { return start_; }
  [[nodiscard]] std::uint64_t brk_start() const { return brk_start_; }
  [[nodiscard]] std::uint64_t brk_end() const { return brk_; }
  void set_limits(const Limits& limits) { limits_ = limits; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] core::PageCount resident() const { return core::PageCount(pages_.count()); }
  [[nodiscard]] core::ByteCount size() const { return core::ByteCount(areas_.bytes()); }
  [[nodiscard]] std::span<const Area> areas() const { return areas_.view(); }
  /// The area that holds the address, or null.
  [[nodiscard]] const Area* area(core::VirtAddr address) const { return areas_.find(address.raw()); }
  /// What the address has now, or null.
  [[nodiscard]] const Page* page(core::VirtAddr address) {
    return pages_.find(address.raw() >> core::kPageShift);
  }

 private:
  Answer<std::uint64_t> place(const MapRequest& request, std::uint64_t length) const;
  Answer<Area> describe(const MapRequest& request, std::uint64_t length);
  /// `more` bytes of an area like `area`. Errors: NoMemory by the limits, TryAgain by that of locked memory.
  Answer<> check_size(std::uint64_t more, const Area& area) const;
  Answer<> watch(Backing& backing);
  /// Errors: Fault where a touch would be a signal, NoMemory.
  Answer<> load_all(Range range, Touch touch);
  void populate(Range range);
  Answer<> set_locked(Range range, bool locked, bool load);
  Answer<> advise(const Area& area, Range part, Advice advice);
  Answer<> advise_areas(Range range, Advice advice);
  /// The frames of `range` go back; areas stay.
  void discard(Range range);
  /// Unmaps and protects are done whatever it says; what is not mapped is mapped when it is touched.
  void settle() { static_cast<void>(mapper_.flush()); }
  void apply(Range range, std::uint32_t protection);
  [[nodiscard]] Access best(const Page& page, std::uint32_t protection) const;
  /// `alone`: nobody else has the frame who must not see a write.
  [[nodiscard]] static Access most(std::uint32_t protection, bool alone);
  [[nodiscard]] Access wanted(const Page& page, std::uint32_t protection, Touch touch) const;

  Answer<core::VirtAddr> remap_to(const Area& area, Range from, std::uint64_t length,
                                  const RemapRequest& request);
  Answer<> move_pages(Range from, std::uint64_t to);

  const Area* grow_stack(std::uint64_t address);
  bool stuck(const Area& area, std::uint64_t address, Touch touch, std::uint64_t instruction);
  Answer<FrameId> load(const Area& area, std::uint64_t address, Touch touch);
  static constexpr std::uint64_t kAround =
      Pages::kAtOnce;                                ///< pages that come with one; Linux's fault_around_bytes
  static constexpr std::uint64_t kTablePages = 512;  ///< that the machine has in one table
  Answer<FaultResult> fault_new(const Area& area, std::uint64_t number, Touch touch);
  Answer<> load_around(const Area& area, std::uint64_t number, const Page& page);
  Answer<> load_ahead(const Area& area, std::uint64_t number, const Page& page);
  void write_around(const Area& area, std::uint64_t number);
  /// Loads it unless it is there for such a touch. Errors: NoMemory.
  Answer<FaultResult> need(std::uint64_t address, Touch touch);
  Answer<> unshare(std::uint64_t number, Page& page);
  Answer<> show(std::uint64_t number, Page& page, Access access);
  /// Where the LibOS sees `size` bytes, if they are in one page that the machine has for such a touch; else null.
  std::byte* at_hand(core::VirtAddr address, std::size_t size, Touch touch) {
    const std::uint64_t offset = address.raw() & core::kPageMask;
    if (size > core::kPageSize - offset) return nullptr;
    const Page* const page = pages_.find(address.raw() >> core::kPageShift);
    if (page == nullptr || !allows(page->access, touch)) return nullptr;
    return frames_.bytes(page->frame).data() + offset;
  }
  Answer<> read_pieces(core::VirtAddr address, std::span<std::byte> into);
  Answer<> write_pieces(core::VirtAddr address, std::span<const std::byte> from);
  Answer<> share_with(Space& child, std::span<const core::VirtAddr> written);
  [[nodiscard]] bool copied(Page& page, Page& child) const;
  /// The frame behind `address`, for one access of the LibOS. Errors: Fault, NoMemory.
  Answer<FrameId> reach(std::uint64_t address, Touch touch);

  Frames& frames_;
  Mapper& mapper_;
  Limits limits_;
  Areas areas_;
  Pages pages_;
  core::list::List<View, &View::in_space> views_;
  std::uint64_t brk_start_ = 0, brk_ = 0;
  StartLayout start_;
  std::uint32_t barriers_ = 0;  ///< that are registered
  bool lock_future_ = false, load_future_ = false;
  /// The last page that became executable, and for which instruction.
  std::uint64_t executed_page_ = ~std::uint64_t{0}, executed_at_ = ~std::uint64_t{0};
};

}  // namespace fb::libos::posix::mm

// The address space of a Linux process: areas say what should be there, pages what is, and the machine follows (C4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "libos/posix/mm/areas.hpp"
#include "libos/posix/mm/pages.hpp"

namespace fb::libos::posix::mm {

/// RLIMIT_AS, RLIMIT_STACK and RLIMIT_DATA, and where the search for free addresses begins, downwards.
struct Limits {
  core::ByteCount address_space{~std::uint64_t{0}};
  core::ByteCount stack{std::uint64_t{8} << 20};
  core::ByteCount data{~std::uint64_t{0}};
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
  /// Errors: Invalid; NoMemory when a part has no area, after all the rest.
  Answer<> madvise(core::VirtAddr address, core::ByteCount length, Advice advice);
  /// The file behind some areas ends before page `first` now: its pages from there on go, and private copies of them.
  void forget(const Backing& backing, std::uint64_t first);
  /// The break after it, which is the old one when it cannot be moved.
  core::VirtAddr brk(core::VirtAddr address);
  /// Where the break begins: at exec.
  void set_brk(core::VirtAddr start);

  /// The program touched `address` and could not. Errors: NoMemory.
  Answer<FaultResult> fault(core::VirtAddr address, Touch touch);
  /// A space with the same memory: private pages are copied when either writes. Errors: NoMemory.
  Answer<Space> fork(Mapper& mapper);
  /// Nothing is mapped any more: at exec and exit.
  void clear();

  /// The LibOS's own accesses, as the program could make them. Pages before a bad one are done. Errors: Fault, NoMemory.
  Answer<> read(core::VirtAddr address, std::span<std::byte> into);
  Answer<> write(core::VirtAddr address, std::span<const std::byte> from);
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
  /// What the address has now, or null.
  [[nodiscard]] const Page* page(core::VirtAddr address) {
    return pages_.find(address.raw() >> core::kPageShift);
  }

 private:
  Answer<std::uint64_t> place(const MapRequest& request, std::uint64_t length) const;
  Answer<Area> describe(const MapRequest& request, std::uint64_t length);
  Answer<> check_size(std::uint64_t more) const;
  void populate(Range range);
  /// The frames of `range` go back; areas stay.
  void discard(Range range);
  /// Unmaps and protects are done whatever it says; what is not mapped is mapped when it is touched.
  void settle() { static_cast<void>(mapper_.flush()); }
  void apply(Range range, std::uint32_t protection);
  [[nodiscard]] Access best(const Page& page, std::uint32_t protection) const;
  [[nodiscard]] Access wanted(const Page& page, std::uint32_t protection, Touch touch) const;

  Answer<core::VirtAddr> remap_to(const Area& area, Range from, std::uint64_t length,
                                  const RemapRequest& request);
  Answer<> move_pages(Range from, std::uint64_t to);

  const Area* grow_stack(std::uint64_t address);
  Answer<FrameId> load(const Area& area, std::uint64_t address, Touch touch);
  Answer<> unshare(std::uint64_t number, Page& page);
  Answer<> show(std::uint64_t number, Page& page, Access access);
  Answer<> share_with(Space& child);
  /// The frame behind `address`, for one access of the LibOS. Errors: Fault, NoMemory.
  Answer<FrameId> reach(std::uint64_t address, Touch touch);

  Frames& frames_;
  Mapper& mapper_;
  Limits limits_;
  Areas areas_;
  Pages pages_;
  std::uint64_t brk_start_ = 0, brk_ = 0;
  StartLayout start_;
};

}  // namespace fb::libos::posix::mm

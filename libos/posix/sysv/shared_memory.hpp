// System V shared memory: segments that processes find by key (C4.11; uapi linux/shm.h).
#pragma once

#include "libos/posix/mm/memory.hpp"
#include "libos/posix/mm/space.hpp"
#include "libos/posix/sysv/object.hpp"

namespace fb::libos::posix::sysv {

namespace shared_memory {
inline constexpr std::uint32_t kReadOnly = 010000, kRound = 020000, kRemap = 040000,
                               kExecute = 0100000;                     ///< of shmat
inline constexpr std::uint32_t kHugeTlb = 04000, kNoReserve = 010000;  ///< of shmget
inline constexpr std::uint32_t kDestroyed = 01000, kLocked = 02000;    ///< of the mode that is told
inline constexpr std::size_t kMost = 4096;                             ///< SHMMNI
inline constexpr std::uint64_t kLargest = std::uint64_t{1} << 46;      ///< SHMMAX
}  // namespace shared_memory

/// struct shmid64_ds; times in seconds.
struct SegmentStat {
  Permissions permissions;
  std::uint64_t size;
  std::int64_t attached, detached, changed;
  std::int32_t creator, last;
  std::uint64_t attaches, reserved[2];
};
static_assert(sizeof(SegmentStat) == 112);

class Segment;

/// Its segment holds it until that is removed; who has it attached, longer.
class SegmentMemory final : public mm::SharedMemory {
 public:
  SegmentMemory(Frames& frames, core::PageCount pages, Segment& segment)
      : SharedMemory(frames, pages), segment_(&segment) {}
  ~SegmentMemory() override;
  /// The segment ends before it.
  void leave_segment() { segment_ = nullptr; }

 private:
  Segment* segment_;
};

class Segment final : public Object, public Shared {
 public:
  Segment(std::uint64_t bytes, std::int32_t creator_pid, std::int64_t now)
      : size(bytes), creator(creator_pid), changed(now) {}
  ~Segment() {
    if (memory != nullptr) memory->leave_segment();
  }
  /// Before anything else. Errors: NoMemory.
  Answer<> open(Frames& frames) {
    FB_ASSIGN(held, make_shared<SegmentMemory>(frames, core::pages_for(core::ByteCount(size)), *this));
    memory = held.get();
    return {};
  }
  /// It has been removed, and nobody has it attached.
  [[nodiscard]] bool gone() const { return memory == nullptr; }
  std::uint64_t size;
  std::int32_t creator, last = 0;
  std::int64_t attached = 0, detached = 0, changed;
  bool locked = false;
  SegmentMemory* memory = nullptr;
  Ref<SegmentMemory> held;  ///< none once it is removed
};

inline SegmentMemory::~SegmentMemory() {
  if (segment_ != nullptr) segment_->memory = nullptr;
}

/// A segment that has been removed lives on as long as it is attached somewhere, and can be attached by its number.
class Segments {
 public:
  /// Errors: Invalid, Exists, NoEntry, Access, NoSpace, NoMemory.
  Answer<Id> get(Frames& frames, const Caller& caller, std::int32_t key, std::uint64_t size,
                 std::uint32_t flags);
  /// Errors: Invalid, Access, NoMemory.
  Answer<core::VirtAddr> attach(mm::Space& space, const Caller& caller, Id id, core::VirtAddr address,
                                std::uint32_t flags);
  /// Errors: Invalid when no segment begins there.
  Answer<> detach(mm::Space& space, const Caller& caller, core::VirtAddr address);
  /// Errors: Invalid, Access.
  Answer<SegmentStat> stat(const Caller& caller, Id id) const;
  /// Errors: Invalid, Perm.
  Answer<> set(const Caller& caller, Id id, const Permissions& to);
  Answer<> remove(const Caller& caller, Id id);
  Answer<> lock(const Caller& caller, Id id, bool locked);
  [[nodiscard]] const Table<Segment>& table() const { return table_; }

 private:
  [[nodiscard]] Answer<Ref<Segment>> find(Id id) const;
  [[nodiscard]] Ref<Segment> with(const mm::Backing& memory) const;
  void sweep();

  Table<Segment> table_{shared_memory::kMost};
};

}  // namespace fb::libos::posix::sysv

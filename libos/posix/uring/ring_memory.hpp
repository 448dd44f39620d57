// The memory that a ring shares with its programs: both queues, and the array of submissions (io_uring_setup(2)).
#pragma once

#include "libos/posix/mm/memory.hpp"
#include "libos/posix/uring/abi.hpp"

namespace fb::libos::posix::uring {

/// Pages that stay as long as somebody maps them: nobody punches holes into what both sides use.
class Region final : public mm::SharedMemory {
 public:
  using SharedMemory::SharedMemory;
  Answer<> punch(std::uint64_t /*first*/, std::uint64_t /*end*/) override {
    return fail(Errno::NotSupported);
  }
};

/// Laid out as Linux does. Programs write what they like, at any time: each word is read once, and everything that counts (the
/// sizes, how far submissions were taken and completions put) is kept here.
class RingMemory {
 public:
  /// Entries are powers of two, at most kSqEntriesMost and kCqEntriesMost. All frames are taken now. Errors: NoMemory.
  static Answer<RingMemory> make(Frames& frames, std::uint32_t sq_entries, std::uint32_t cq_entries,
                                 bool has_array);
  /// Sizes and offsets, for who set it up.
  void describe(Params& params) const;
  /// What mmap shows at one of kMap*: null for another offset, or more than there is.
  [[nodiscard]] Ref<mm::Backing> at(std::uint64_t offset, std::uint64_t bytes) const;
  [[nodiscard]] core::PageCount pages() const { return core::PageCount(words_.size() + sqes_.size()); }

  /// How many submissions are there, at most all entries.
  [[nodiscard]] std::uint32_t submissions();
  [[nodiscard]] bool full() { return submissions() == sq_entries_; }
  /// Copies the next one, which is there. False: its index is none, and it is dropped.
  [[nodiscard]] bool take(Sqe& into);
  /// Tells the program what was taken.
  void commit();

  /// False: there is no room.
  [[nodiscard]] bool put(const Cqe& completion);
  /// Completions that were not taken yet; as many as there is room for when the program says nonsense.
  [[nodiscard]] std::uint32_t completions();
  [[nodiscard]] std::uint32_t cq_entries() const { return cq_entries_; }
  void set_overflowing(bool overflowing);
  /// The program asks for no events.
  [[nodiscard]] bool events_off();

 private:
  using Pages = Vector<std::byte*>;
  static Answer<Pages> reach(Frames& frames, mm::Backing& region, core::PageCount pages);
  [[nodiscard]] std::uint32_t* word(std::uint32_t offset) const;
  [[nodiscard]] std::uint32_t load(std::uint32_t offset) const {
    return __atomic_load_n(word(offset), __ATOMIC_ACQUIRE);
  }
  void store(std::uint32_t offset, std::uint32_t value) const {
    __atomic_store_n(word(offset), value, __ATOMIC_RELEASE);
  }

  Ref<Region> rings_, submissions_;
  Pages words_, sqes_;
  std::uint32_t sq_entries_ = 0, cq_entries_ = 0, array_ = 0;
  bool has_array_ = true;
  std::uint32_t sq_head_ = 0, cq_tail_ = 0, dropped_ = 0;
};

}  // namespace fb::libos::posix::uring

// The events of a context, in memory that its program maps, and may take events from itself.
#pragma once

#include "libos/posix/aio/abi.hpp"
#include "libos/posix/mm/memory.hpp"

namespace fb::libos::posix::aio {

/// Programs write what they like, at any time: the head is read once for each question, and what counts is kept here.
class Ring {
 public:
  /// Room for twice `events`, and some more. All frames are taken now. Errors: NoMemory.
  static Answer<Ring> make(Frames& frames, std::uint32_t events);

  [[nodiscard]] const Ref<mm::Backing>& memory() const { return memory_; }
  [[nodiscard]] core::ByteCount size() const { return core::ByteCount(pages_.size() << core::kPageShift); }
  /// Events that there is room for; one place stays empty.
  [[nodiscard]] std::uint32_t room() const { return events_ - 1; }
  /// That nobody has taken yet.
  [[nodiscard]] std::uint32_t count() const;
  /// There is room.
  void put(const Event& event);
  /// The n-th of those that are there.
  [[nodiscard]] Event peek(std::uint32_t n) const;
  void take(std::uint32_t count);

 private:
  [[nodiscard]] RingHead& top() const { return *reinterpret_cast<RingHead*>(pages_[0]); }
  [[nodiscard]] std::uint32_t head() const;
  [[nodiscard]] std::byte* place(std::uint32_t index) const;

  Ref<mm::Backing> memory_;
  Vector<std::byte*> pages_;
  std::uint32_t events_ = 0, tail_ = 0;
};

}  // namespace fb::libos::posix::aio

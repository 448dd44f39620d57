// The pages of one file: sparse, in chunks of 512.
#pragma once

#include <array>
#include <memory>

#include "libos/posix/base/frames.hpp"

namespace fb::libos::posix::vfs {

/// Owns one count of each frame that it holds.
class Pages {
 public:
  explicit Pages(Frames& frames) : frames_(frames) {}
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { cut(0); }

  /// FrameId(0) for a hole.
  [[nodiscard]] FrameId get(std::uint64_t page) const;
  /// The same for the pages from `first` on.
  void get_all(std::uint64_t first, std::span<FrameId> into) const;
  /// A hole gets a zeroed frame. Errors: NoSpace.
  Answer<FrameId> fill(std::uint64_t page);
  /// Makes a hole.
  void drop(std::uint64_t page);
  /// Makes a hole of everything from `page` on.
  void cut(std::uint64_t page);
  /// The first page at or behind `page` that is held (or is a hole); `limit` when there is none below that.
  [[nodiscard]] std::uint64_t next(std::uint64_t page, std::uint64_t limit, bool hole) const;
  [[nodiscard]] std::uint64_t held() const { return held_; }

 private:
  static constexpr std::uint64_t kChunk = 512;
  struct Chunk {
    std::uint64_t number;
    std::uint32_t held;
    std::array<FrameId, kChunk> frames;
  };
  [[nodiscard]] std::size_t position(std::uint64_t number) const;
  [[nodiscard]] bool present(std::size_t at, std::uint64_t number) const {
    return at != chunks_.size() && chunks_[at]->number == number;
  }
  void release(Chunk& chunk, std::uint64_t first);

  Frames& frames_;
  Vector<std::unique_ptr<Chunk>> chunks_;  ///< by number, none of them empty
  std::uint64_t held_ = 0;
};

}  // namespace fb::libos::posix::vfs

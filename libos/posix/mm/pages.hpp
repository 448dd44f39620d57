// The pages of an address space that have frames.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "libos/posix/base/frames.hpp"
#include "libos/posix/base/vector.hpp"
#include "libos/posix/mm/mapper.hpp"

namespace fb::libos::posix::mm {

struct Page {
  FrameId frame{};
  Access access = Access::None;  ///< the most that the machine has
  bool shared = false;           ///< a write is for everyone who has the frame
};

/// By page number (address >> 12). Holds a count of each frame. Pointers to pages are good until the page is removed.
class Pages {
 public:
  explicit Pages(Frames& frames) : frames_(&frames) {}
  Pages(Pages&& other) noexcept
      : frames_(other.frames_),
        leaves_(std::move(other.leaves_)),
        count_(std::exchange(other.count_, 0)),
        hints_(std::exchange(other.hints_, {})) {}
  Pages& operator=(Pages&&) = delete;
  ~Pages();

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Null when the page has no frame.
  [[nodiscard]] Page* find(std::uint64_t number) {
    const Hint& hint = hint_for(number);
    return hint.number == number ? hint.page : search(number);
  }
  /// The first page from `number` on and below `end`, which `number` becomes; null when there is none.
  Page* next(std::uint64_t& number, std::uint64_t end);
  /// Takes over the caller's count of the frame, whatever the answer; the page had none. Errors: NoMemory.
  Answer<> insert(std::uint64_t number, Page page);
  /// Releases the frames of [from, end), which the machine no longer has.
  void remove(std::uint64_t from, std::uint64_t end);

 private:
  static constexpr std::uint64_t kLeafPages = 256;
  struct Leaf {
    std::uint64_t first = 0;
    std::uint32_t used = 0;
    std::array<std::uint64_t, kLeafPages / 64> there{};  ///< a bit for each page that has a frame
    std::array<Page, kLeafPages> pages{};

    /// The first one from `index` on that has a frame, or kLeafPages.
    [[nodiscard]] std::uint64_t next(std::uint64_t index) const;
  };
  /// What was found last: calls touch the same pages again and again.
  struct Hint {
    std::uint64_t number = ~std::uint64_t{0};
    Page* page = nullptr;
  };
  static constexpr std::size_t kHints = 8;
  /// Areas mostly begin at multiples of 2 MiB, near which the pages are that are used together.
  [[nodiscard]] Hint& hint_for(std::uint64_t number) {
    return hints_[(number ^ number >> 9 ^ number >> 18) % kHints];
  }
  [[nodiscard]] Page* search(std::uint64_t number);
  /// The place of the first leaf that ends above `number`.
  [[nodiscard]] std::size_t above(std::uint64_t number) const;

  Frames* frames_;
  Vector<std::unique_ptr<Leaf>> leaves_;
  std::uint64_t count_ = 0;
  std::array<Hint, kHints> hints_{};
};

}  // namespace fb::libos::posix::mm

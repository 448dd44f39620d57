// The pages of an address space that have frames.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

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
        recent_(std::exchange(other.recent_, nullptr)),
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
  /// `act(number, page)` for all pages of [from, end) that have frames, in order. It changes nothing but the page.
  template <class Act>
  void each(std::uint64_t from, std::uint64_t end, Act act) {
    for (std::size_t at = above(from); at < leaves_.size() && leaves_[at]->first < end; ++at)
      leaves_[at]->each(from, end, act);
  }
  /// Takes over the caller's count of the frame, whatever the answer; the page had none. `file`: what stands behind the
  /// mapping has the frame too, and would give it again. Errors: NoMemory.
  Answer<Page*> insert(std::uint64_t number, const Page& page, bool file = false);
  /// What is there is not what the file has any more.
  void make_own(std::uint64_t number) {
    if (Leaf* const leaf = leaf_of(number)) leaf->mark(leaf->file, number, false);
  }
  /// The pages from `number` on get those of `frames` that are not 0, where they have none: shared, and otherwise like `page`.
  /// Which ones: a bit for each. `number` is a multiple of kAtOnce, of which there are at most so many. Errors: NoMemory.
  static constexpr std::size_t kAtOnce = 16;
  Answer<std::uint64_t> add(std::uint64_t number, std::span<const FrameId> frames, Page page, bool file);
  /// The frames of [from, end) are the other's too, which has no pages there and maps none of them; but for those of files,
  /// which it gets from there. `act(number, page, its page)` as for each(). Errors: NoMemory, with a part of them shared.
  template <class Act>
  Answer<> share_with(Pages& other, std::uint64_t from, std::uint64_t end, Act act) {
    for (std::size_t at = above(from); at < leaves_.size() && leaves_[at]->first < end; ++at) {
      Leaf* leaf = nullptr;
      Answer<> answer;
      const auto share = [&](std::uint64_t number, Page& page) {
        if (leaf == nullptr) {
          const auto made = answer ? other.need_leaf(number) : Answer<Leaf*>(fail(answer.error()));
          if (!made) answer = fail(made.error());
          if (!made) return;
          leaf = *made;
        }
        frames_->share(page.frame);
        act(number, page, *other.put(*leaf, number, {.frame = page.frame}, false));
      };
      leaves_[at]->each(from, end, share, false);
      FB_TRY(answer);
    }
    return {};
  }
  /// Releases the frames of [from, end), which the machine no longer has.
  void remove(std::uint64_t from, std::uint64_t end);

 private:
  static constexpr std::uint64_t kLeafPages = 256, kWordPages = 64;
  struct Leaf {
    std::uint64_t first = 0;
    std::uint32_t used = 0;
    using Bits = std::array<std::uint64_t, kLeafPages / kWordPages>;
    Bits there{};  ///< a bit for each page that has a frame
    Bits file{};   ///< and for each whose frame is a file's
    union {
      std::array<Page, kLeafPages> pages;  ///< of the others nothing is known
    };

    explicit Leaf(std::uint64_t number) : first(number) {}  // NOLINT(*-member-init): not the pages
    [[nodiscard]] bool has(std::uint64_t index) const {
      return (there[index / kWordPages] >> index % kWordPages & 1) != 0;
    }
    /// The first one from `index` on that has a frame, or kLeafPages.
    [[nodiscard]] std::uint64_t next(std::uint64_t index) const;
    static void mark(Bits& bits, std::uint64_t number, bool set) {
      const std::uint64_t index = number % kLeafPages, bit = std::uint64_t{1} << index % kWordPages;
      bits[index / kWordPages] = (bits[index / kWordPages] & ~bit) | (set ? bit : 0);
    }
    /// The bits of word `word` whose pages are in [from, end).
    [[nodiscard]] std::uint64_t bits(std::size_t word, std::uint64_t from, std::uint64_t end) const {
      const std::uint64_t start = first + word * kWordPages;
      std::uint64_t bits = there[word];
      if (from > start) bits &= from - start < kWordPages ? ~std::uint64_t{0} << (from - start) : 0;
      if (end < start + kWordPages) bits &= end > start ? ~(~std::uint64_t{0} << (end - start)) : 0;
      return bits;
    }
    template <class Act>
    void each(std::uint64_t from, std::uint64_t end, Act&& act, bool files = true) {
      for (std::size_t word = 0; word < there.size(); ++word) {
        for (std::uint64_t left = bits(word, from, end) & (files ? ~std::uint64_t{0} : ~file[word]);
             left != 0; left &= left - 1) {
          const std::uint64_t index = word * kWordPages + static_cast<unsigned>(std::countr_zero(left));
          act(first + index, pages[index]);
        }
      }
    }
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
  /// The leaf of this page, if there is one. Whoever touches a page touches its neighbours soon.
  [[nodiscard]] Leaf* leaf_of(std::uint64_t number) {
    if (recent_ != nullptr && number - recent_->first < kLeafPages) return recent_;
    return look_for_leaf(number);
  }
  Leaf* look_for_leaf(std::uint64_t number);
  /// Errors: NoMemory.
  Answer<Leaf*> need_leaf(std::uint64_t number);
  Page* put(Leaf& leaf, std::uint64_t number, const Page& page, bool file);

  Frames* frames_;
  Vector<std::unique_ptr<Leaf>> leaves_;
  Leaf* recent_ = nullptr;
  std::uint64_t count_ = 0;
  std::array<Hint, kHints> hints_{};
};

}  // namespace fb::libos::posix::mm

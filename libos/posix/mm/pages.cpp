#include "libos/posix/mm/pages.hpp"

#include <algorithm>
#include <bit>
#include <new>

namespace fb::libos::posix::mm {

Pages::~Pages() { remove(0, ~std::uint64_t{0}); }

std::size_t Pages::above(std::uint64_t number) const {
  std::size_t low = 0, high = leaves_.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (leaves_[middle]->first + kLeafPages > number) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

std::uint64_t Pages::Leaf::next(std::uint64_t index) const {
  while (index < kLeafPages) {
    if (const std::uint64_t left = there[index / 64] >> index % 64; left != 0)
      return index + static_cast<std::uint64_t>(std::countr_zero(left));
    index = (index / 64 + 1) * 64;
  }
  return kLeafPages;
}

Page* Pages::search(std::uint64_t number) {
  const std::size_t at = above(number);
  if (at == leaves_.size() || leaves_[at]->first > number) return nullptr;
  Page& page = leaves_[at]->pages[number % kLeafPages];
  if (page.frame == FrameId(0)) return nullptr;
  hint_for(number) = {.number = number, .page = &page};
  return &page;
}

Page* Pages::next(std::uint64_t& number, std::uint64_t end) {
  for (std::size_t at = above(number); at < leaves_.size() && leaves_[at]->first < end; ++at) {
    Leaf& leaf = *leaves_[at];
    const std::uint64_t stop = std::min(end, leaf.first + kLeafPages);
    number = leaf.first + leaf.next(std::max(number, leaf.first) - leaf.first);
    if (number < stop) return &leaf.pages[number % kLeafPages];
  }
  number = end;
  return nullptr;
}

Answer<> Pages::insert(std::uint64_t number, Page page) {
  const std::size_t at = above(number);
  if (at == leaves_.size() || leaves_[at]->first > number) {
    std::unique_ptr<Leaf> leaf(new (std::nothrow) Leaf);
    const bool made = leaf != nullptr;
    if (made) leaf->first = number - number % kLeafPages;
    if (!made || !leaves_.insert(at, std::move(leaf))) {
      frames_->release(page.frame);
      return fail(Errno::NoMemory);
    }
  }
  Leaf& leaf = *leaves_[at];
  const std::uint64_t index = number % kLeafPages;
  leaf.pages[index] = page;
  leaf.there[index / 64] |= std::uint64_t{1} << index % 64;
  ++leaf.used;
  ++count_;
  return {};
}

void Pages::remove(std::uint64_t from, std::uint64_t end) {
  hints_ = {};
  const std::size_t first = above(from);
  std::size_t at = first, kept = first;
  for (; at < leaves_.size() && leaves_[at]->first < end; ++at) {
    Leaf& leaf = *leaves_[at];
    const std::uint64_t stop = std::min(end, leaf.first + kLeafPages);
    const std::uint64_t last = stop - leaf.first;
    for (std::uint64_t index = std::max(from, leaf.first) - leaf.first; (index = leaf.next(index)) < last;
         ++index) {
      Page& page = leaf.pages[index];
      frames_->release(page.frame);
      page = Page{};
      leaf.there[index / 64] &= ~(std::uint64_t{1} << index % 64);
      --leaf.used;
      --count_;
    }
    if (leaf.used != 0) std::swap(leaves_[kept++], leaves_[at]);
  }
  if (kept == at) return;
  for (; at < leaves_.size(); ++at) std::swap(leaves_[kept++], leaves_[at]);
  while (leaves_.size() > kept) leaves_.pop_back();
}

}  // namespace fb::libos::posix::mm

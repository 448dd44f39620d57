#include "libos/posix/mm/pages.hpp"

#include <algorithm>
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
    if (const std::uint64_t left = there[index / kWordPages] >> index % kWordPages; left != 0)
      return index + static_cast<std::uint64_t>(std::countr_zero(left));
    index = (index / kWordPages + 1) * kWordPages;
  }
  return kLeafPages;
}

Pages::Leaf* Pages::look_for_leaf(std::uint64_t number) {
  const std::size_t at = above(number);
  if (at == leaves_.size() || leaves_[at]->first > number) return nullptr;
  return recent_ = leaves_[at].get();
}

Page* Pages::search(std::uint64_t number) {
  Leaf* const leaf = leaf_of(number);
  if (leaf == nullptr || !leaf->has(number % kLeafPages)) return nullptr;
  Page* const page = &leaf->pages[number % kLeafPages];
  hint_for(number) = {.number = number, .page = page};
  return page;
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

Answer<Pages::Leaf*> Pages::need_leaf(std::uint64_t number) {
  if (Leaf* const leaf = leaf_of(number); leaf != nullptr) return leaf;
  std::unique_ptr<Leaf> leaf(new (std::nothrow) Leaf(number - number % kLeafPages));
  if (leaf == nullptr) return fail(Errno::NoMemory);
  Leaf* const made = leaf.get();
  FB_TRY(leaves_.insert(above(number), std::move(leaf)));
  return recent_ = made;
}

Page* Pages::put(Leaf& leaf, std::uint64_t number, const Page& page, bool file) {
  Leaf::mark(leaf.there, number, true);
  Leaf::mark(leaf.file, number, file);
  ++leaf.used;
  ++count_;
  return ::new (static_cast<void*>(&leaf.pages[number % kLeafPages])) Page(page);
}

Answer<Page*> Pages::insert(std::uint64_t number, const Page& page, bool file) {
  const auto leaf = need_leaf(number);
  if (leaf) return put(**leaf, number, page, file);
  frames_->release(page.frame);
  return fail(Errno::NoMemory);
}

Answer<std::uint64_t> Pages::add(std::uint64_t number, std::span<const FrameId> frames, Page page,
                                 bool file) {
  FB_ASSIGN(Leaf* const leaf, need_leaf(number));
  const std::uint64_t index = number % kLeafPages, shift = index % kWordPages;
  std::uint64_t& there = leaf->there[index / kWordPages];
  std::uint64_t added = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    if (frames[i] == FrameId(0) || (there >> shift & bit) != 0) continue;
    frames_->share(frames[i]);
    page.frame = frames[i];
    ::new (static_cast<void*>(&leaf->pages[index + i])) Page(page);
    added |= bit;
  }
  there |= added << shift;
  std::uint64_t& files = leaf->file[index / kWordPages];
  files = file ? files | added << shift : files & ~(added << shift);
  const auto count = static_cast<std::uint32_t>(std::popcount(added));
  leaf->used += count;
  count_ += count;
  return added;
}

void Pages::remove(std::uint64_t from, std::uint64_t end) {
  hints_ = {};
  const std::size_t first = above(from);
  std::size_t at = first, kept = first;
  for (; at < leaves_.size() && leaves_[at]->first < end; ++at) {
    Leaf& leaf = *leaves_[at];
    leaf.each(from, end, [&](std::uint64_t, const Page& page) { frames_->release(page.frame); });
    for (std::size_t word = 0; word < leaf.there.size(); ++word) {
      const std::uint64_t gone = leaf.bits(word, from, end);
      leaf.there[word] &= ~gone;
      leaf.used -= static_cast<std::uint32_t>(std::popcount(gone));
      count_ -= static_cast<std::uint64_t>(std::popcount(gone));
    }
    if (leaf.used != 0) std::swap(leaves_[kept++], leaves_[at]);
  }
  if (kept == at) return;
  recent_ = nullptr;
  for (; at < leaves_.size(); ++at) std::swap(leaves_[kept++], leaves_[at]);
  while (leaves_.size() > kept) leaves_.pop_back();
}

}  // namespace fb::libos::posix::mm

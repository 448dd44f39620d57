// Who is ready, in order: a pairing heap through the things themselves. Joining is O(1), leaving O(log n) amortised.
#pragma once

#include <utility>

#include "core/types.hpp"
#include "libos/rt/sched/terms.hpp"

namespace fb::libos::rt::sched {

struct Queue;

/// What Turns knows of one that runs. Embed one; its members are Turns' business. Neither copied nor moved.
struct Runnable {
  enum class State : std::uint8_t { Waiting, Ready, Running };

  Runnable() = default;
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;

  Runnable *child{}, *next{}, *back{};  ///< of a heap: `back` is who points here
  Queue* home{};                        ///< whose virtual time is its
  std::uint64_t
      virtual_time{};     ///< how long it ran, in ticks of weight 1024; wraps, so only differences count
  std::int64_t order{};   ///< among equals
  core::Ticks used{};     ///< of its turn
  core::Ticks stopped{};  ///< when it began to wait
  std::uint64_t inverse = std::uint64_t{1} << 32;  ///< virtual ticks for 2^32 ticks
  std::uint32_t weight = kUnit;
  std::uint8_t rank = kSystemRank;
  State state = State::Waiting;
  Cpu cpu{};  ///< that it runs on, or ran on last
  Terms terms;
};

constexpr std::int64_t difference(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a - b);
}
/// The later of two virtual times.
constexpr std::uint64_t later(std::uint64_t a, std::uint64_t b) { return difference(a, b) > 0 ? a : b; }

/// The higher rank, the one that has run less, the one that was there first.
inline bool before(const Runnable& a, const Runnable& b) {
  if (a.rank != b.rank) return a.rank > b.rank;
  const auto lead = difference(a.virtual_time, b.virtual_time);
  return lead != 0 ? lead < 0 : a.order < b.order;
}

class Heap {
 public:
  [[nodiscard]] Runnable* top() const { return top_; }
  void push(Runnable& item) {
    item.child = item.next = item.back = nullptr;
    top_ = top_ == nullptr ? &item : meld(top_, &item);
  }
  /// It is in here.
  void remove(Runnable& item) {
    if (&item == top_) {
      top_ = item.child == nullptr ? nullptr : meld_all(item.child);
      return;
    }
    (item.back->child == &item ? item.back->child : item.back->next) = item.next;
    if (item.next != nullptr) item.next->back = item.back;
    if (item.child != nullptr) top_ = meld(top_, meld_all(item.child));
  }
  /// The next one of a walk over all, in no order; null at the end.
  static Runnable* after(Runnable* item) {
    if (item->child != nullptr) return item->child;
    while (item->next == nullptr) {
      while (item->back != nullptr && item->back->child != item) item = item->back;
      if (item->back == nullptr) return nullptr;
      item = item->back;
    }
    return item->next;
  }

 private:
  static Runnable* meld(Runnable* a, Runnable* b) {
    if (before(*b, *a)) std::swap(a, b);
    b->next = a->child;
    if (b->next != nullptr) b->next->back = b;
    b->back = a;
    a->child = b;
    return a;
  }
  /// In pairs, then from the last pair on: what makes it log n.
  static Runnable* meld_all(Runnable* first) {
    Runnable* pairs = nullptr;
    while (first != nullptr) {
      Runnable* const a = first;
      Runnable* const b = std::exchange(a->next, nullptr);
      first = b == nullptr ? nullptr : std::exchange(b->next, nullptr);
      Runnable* const pair = b == nullptr ? a : meld(a, b);
      pair->next = std::exchange(pairs, pair);
    }
    Runnable* all = nullptr;
    while (pairs != nullptr) {
      Runnable* const pair = pairs;
      pairs = std::exchange(pair->next, nullptr);
      all = all == nullptr ? pair : meld(all, pair);
    }
    all->back = nullptr;
    return all;
  }

  Runnable* top_{};
};

}  // namespace fb::libos::rt::sched

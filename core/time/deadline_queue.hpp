// Intrusive priority queue of absolute deadlines, with a worst-case logarithmic bound on every step.
//
// A leftist heap (Crane 1972; Knuth, TAOCP 3, 5.2.3), not a search tree: the rank of a link is the length of
// its right spine, never more than log2(n + 1), and melding walks right spines only. Nothing is random and
// nothing degrades: no order of arrivals, equal deadlines included, makes a step with interrupts off long.
#pragma once

#include <cstdint>
#include <utility>

#include "core/list/owner_of.hpp"
#include "core/types.hpp"

namespace fb::core::time {

/// Embed one in whatever can time out. Neither copied nor moved while queued.
class DeadlineLink {
 public:
  constexpr DeadlineLink() = default;
  DeadlineLink(const DeadlineLink&) = delete;
  DeadlineLink& operator=(const DeadlineLink&) = delete;
  [[nodiscard]] bool linked() const { return rank_ != 0; }
  /// Absolute, in Ticks; what the last insert said.
  [[nodiscard]] Ticks deadline() const { return deadline_; }

 private:
  friend class DeadlineHeap;
  friend struct DeadlineInspector;  // tests check the shape

  DeadlineLink* parent_{};
  DeadlineLink* left_{};
  DeadlineLink* right_{};
  Ticks deadline_{};
  std::uint64_t arrival_{};  ///< order among equal deadlines; 64 bits never wrap
  std::uint8_t rank_{};      ///< links on the right spine from here; 0 when not queued
};

/// The algorithm, once for all node types. External lock.
class DeadlineHeap {
 public:
  [[nodiscard]] DeadlineLink* first() const { return root_; }

  void insert(DeadlineLink& link, Ticks deadline) {
    remove(link);
    link.deadline_ = deadline;
    link.arrival_ = next_arrival_++;
    link.rank_ = 1;
    meld(&root_, nullptr, root_, &link);
  }

  bool remove(DeadlineLink& link) {
    if (!link.linked()) return false;
    DeadlineLink* above = link.parent_;
    DeadlineLink** place = above == nullptr ? &root_ : above->left_ == &link ? &above->left_ : &above->right_;
    meld(place, above, link.left_, link.right_);
    link.parent_ = link.left_ = link.right_ = nullptr;
    link.rank_ = 0;
    return true;
  }

 private:
  friend struct DeadlineInspector;

  static std::uint8_t rank(const DeadlineLink* link) { return link == nullptr ? 0 : link->rank_; }
  static bool before(const DeadlineLink& a, const DeadlineLink& b) {
    return a.deadline_ != b.deadline_ ? a.deadline_ < b.deadline_ : a.arrival_ < b.arrival_;
  }

  /// Restores left rank >= right rank at one link; true when its own rank changed.
  static bool settle(DeadlineLink& link) {
    if (rank(link.left_) < rank(link.right_)) std::swap(link.left_, link.right_);
    const auto settled = static_cast<std::uint8_t>(rank(link.right_) + 1);
    return std::exchange(link.rank_, settled) != settled;
  }

  /// Puts the union of heaps `a` and `b` into `*place`, a child pointer of `above` (or the root).
  void meld(DeadlineLink** place, DeadlineLink* above, DeadlineLink* a, DeadlineLink* b) {
    DeadlineLink* bottom = above;
    while (a != nullptr && b != nullptr) {
      if (before(*b, *a)) std::swap(a, b);
      *place = a;
      a->parent_ = bottom;
      bottom = a;
      place = &a->right_;
      a = a->right_;
    }
    DeadlineLink* rest = a != nullptr ? a : b;
    *place = rest;
    if (rest != nullptr) rest->parent_ = bottom;
    for (; bottom != above; bottom = bottom->parent_) settle(*bottom);
    // Each further change is of a strictly larger rank than the one below it, so the climb is logarithmic
    // too.
    while (bottom != nullptr && settle(*bottom)) bottom = bottom->parent_;
  }

  DeadlineLink* root_{};
  std::uint64_t next_arrival_{};
};

/// Deadlines of `Node`s through their member `Link`, earliest first, equal ones in order of insertion (C2.22,
/// C2.23). No call allocates or fails; each is O(log n) in the worst case and `first` is O(1). The caller
/// holds the lock.
template <class Node, DeadlineLink Node::* Link>
class DeadlineQueue {
 public:
  /// Queues `node` for the absolute time `deadline`; one that is queued already is moved (re-armed).
  void insert(Node& node, Ticks deadline) { heap_.insert(node.*Link, deadline); }
  /// False when `node` was not queued: it has expired, or was never armed.
  bool remove(Node& node) { return heap_.remove(node.*Link); }
  /// The earliest, for arming the hardware timer; null when empty.
  [[nodiscard]] Node* first() const { return owner(heap_.first()); }
  [[nodiscard]] bool empty() const { return heap_.first() == nullptr; }

  /// Takes out one node whose deadline is `now` or earlier, else null: the caller bounds its work per
  /// interrupt.
  Node* pop_expired(Ticks now) {
    DeadlineLink* link = heap_.first();
    if (link == nullptr || link->deadline() > now) return nullptr;
    heap_.remove(*link);
    return owner(link);
  }

 private:
  friend struct DeadlineInspector;
  static Node* owner(DeadlineLink* link) { return link == nullptr ? nullptr : &list::owner_of(*link, Link); }

  DeadlineHeap heap_;
};

}  // namespace fb::core::time

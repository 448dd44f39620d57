// Intrusive doubly linked list: membership costs no allocation, and leaving it is O(1).
#pragma once

#include "core/list/owner_of.hpp"

namespace fb::core::list {

/// Embed one per list that an object can be on. Neither copied nor moved: its neighbours point at it.
class ListLink {
 public:
  constexpr ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  [[nodiscard]] bool linked() const { return next_ != nullptr; }

 private:
  template <class T, ListLink T::* Link>
  friend class List;
  ListLink* next_{};
  ListLink* prev_{};
};

/// A list of `T` through its member `Link`. Not movable; external lock. A T must leave before it dies.
template <class T, ListLink T::* Link>
class List {
 public:
  /// Holds its successor ahead, so the loop body may remove (or free) the element it is at, and only that
  /// one.
  class Iterator {
   public:
    explicit Iterator(ListLink* at) : at_(at), next_(at->next_) {}
    T& operator*() const { return owner_of(*at_, Link); }
    Iterator& operator++() { return *this = Iterator(next_); }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    ListLink* at_;
    ListLink* next_;
  };

  constexpr List() { head_.next_ = head_.prev_ = &head_; }

  [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
  [[nodiscard]] T* front() { return at(head_.next_); }
  /// The element after `item`, which must be on this list; null at the end.
  [[nodiscard]] T* next(T& item) { return at((item.*Link).next_); }
  [[nodiscard]] Iterator begin() { return Iterator(head_.next_); }
  [[nodiscard]] Iterator end() { return Iterator(&head_); }

  /// The link must be on no list.
  void push_back(T& item) { insert(item.*Link, head_); }
  void push_front(T& item) { insert(item.*Link, *head_.next_); }

  /// False, and nothing done, when `item` is on no list.
  bool remove(T& item) {
    ListLink& link = item.*Link;
    if (!link.linked()) return false;
    link.prev_->next_ = link.next_;
    link.next_->prev_ = link.prev_;
    link.next_ = link.prev_ = nullptr;
    return true;
  }

  /// Null when empty.
  T* pop_front() {
    T* first = front();
    if (first != nullptr) remove(*first);
    return first;
  }

 private:
  T* at(ListLink* link) { return link == &head_ ? nullptr : &owner_of(*link, Link); }
  static void insert(ListLink& link, ListLink& before) {
    link.next_ = &before;
    link.prev_ = before.prev_;
    before.prev_->next_ = &link;
    before.prev_ = &link;
  }

  ListLink head_;  ///< sentinel of the ring
};

}  // namespace fb::core::list

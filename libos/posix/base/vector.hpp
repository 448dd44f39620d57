// A growing array whose growth can fail.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "libos/posix/base/errno.hpp"

namespace fb::libos::posix {

/// Elements move; what could fail says so, and leaves everything as it was. Move-only. Not for concurrent use.
template <class T>
class Vector {
 public:
  Vector() = default;
  Vector(Vector&& other) noexcept
      : items_(std::exchange(other.items_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Vector& operator=(Vector other) noexcept {
    std::swap(items_, other.items_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~Vector() {
    if (items_ == nullptr) return;
    clear();
    ::operator delete(items_);
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }
  T* begin() { return items_; }
  T* end() { return items_ + size_; }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + size_; }
  T& back() { return items_[size_ - 1]; }
  [[nodiscard]] std::span<const T> view() const { return {items_, size_}; }

  /// Room for `count` elements in all. Errors: NoMemory.
  Answer<> reserve(std::size_t count) {
    if (count <= capacity_) return {};
    const std::size_t capacity = count < 2 * capacity_ ? 2 * capacity_ : count < 4 ? 4 : count;
    // NOLINTBEGIN(bugprone-sizeof-expression): T may be a pointer
    if (capacity > ~std::size_t{0} / 2 / sizeof(T)) return fail(Errno::NoMemory);
    auto* items = static_cast<T*>(::operator new(capacity * sizeof(T), std::nothrow));
    // NOLINTEND(bugprone-sizeof-expression)
    if (items == nullptr) return fail(Errno::NoMemory);
    if (items_ != nullptr) {
      std::uninitialized_move_n(items_, size_, items);
      std::destroy_n(items_, size_);
      ::operator delete(items_);
    }
    items_ = items;
    capacity_ = capacity;
    return {};
  }
  /// Errors: NoMemory.
  Answer<> push_back(T item) {
    if (size_ == capacity_) FB_TRY(reserve(size_ + 1));
    ::new (static_cast<void*>(items_ + size_++)) T(std::move(item));
    return {};
  }
  /// New ones are T{}; there were not more. Errors: NoMemory.
  Answer<> resize(std::size_t count) {
    FB_TRY(reserve(count));
    while (size_ < count) ::new (static_cast<void*>(items_ + size_++)) T{};
    return {};
  }
  /// Before the element at `at`, which is at most size(). Errors: NoMemory.
  Answer<> insert(std::size_t at, T item) {
    FB_TRY(reserve(size_ + 1));
    ::new (static_cast<void*>(items_ + size_)) T(std::move(item));
    for (std::size_t i = size_++; i > at; --i) std::swap(items_[i], items_[i - 1]);
    return {};
  }
  /// Copies, behind the last one. Errors: NoMemory.
  Answer<> append(std::span<const T> items) {
    FB_TRY(reserve(size_ + items.size()));
    std::uninitialized_copy_n(items.data(), items.size(), items_ + size_);
    size_ += items.size();
    return {};
  }
  void erase(std::size_t at) {
    for (std::size_t i = at; i + 1 < size_; ++i) items_[i] = std::move(items_[i + 1]);
    pop_back();
  }
  void pop_back() { std::destroy_at(items_ + --size_); }
  void clear() {
    std::destroy_n(items_, size_);
    size_ = 0;
  }

 private:
  T* items_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace fb::libos::posix

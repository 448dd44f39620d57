// Shared ownership by a count in the object. Not for concurrent use: a LibOS lock is held.
#pragma once

#include <cstdint>
#include <new>
#include <utility>

#include "libos/posix/base/errno.hpp"

namespace fb::libos::posix {

/// Base of what is shared. The last Ref deletes it, as the type that the Ref names, or by a virtual destructor. Before that
/// it calls before_end(), where there is one: the object is still whole then, and nobody may take a Ref to it again.
class Shared {
 public:
  Shared() = default;
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  [[nodiscard]] std::uint32_t references() const { return references_; }

 private:
  template <class T>
  friend class Ref;
  std::uint32_t references_ = 0;
};

template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T& object) : object_(&object) { ++object_->references_; }
  Ref(const Ref& other) : object_(other.object_) {
    if (object_ != nullptr) ++object_->references_;
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  /// From a Ref to something derived from T.
  template <class Derived>
  Ref(const Ref<Derived>& other)  // NOLINT(google-explicit-constructor): as pointers convert
      : object_(other.get()) {
    if (object_ != nullptr) ++object_->references_;
  }
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ == nullptr || --object_->references_ != 0) return;
    if constexpr (requires { object_->before_end(); }) object_->before_end();
    delete object_;
  }
  void reset() { *this = Ref(); }

  [[nodiscard]] T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const Ref&) const = default;

 private:
  T* object_ = nullptr;
};

/// Errors: NoMemory.
template <class T, class... Args>
Answer<Ref<T>> make_shared(Args&&... args) {
  T* object = new (std::nothrow) T(std::forward<Args>(args)...);
  if (object == nullptr) return fail(Errno::NoMemory);
  return Ref<T>(*object);
}

}  // namespace fb::libos::posix

// A machine for the capability code on the host: pages from an arena that is overwritten when they are freed,
// objects with a canary, CPUs that are inside or outside the kernel.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/cap/teardown.hpp"

namespace fb::core::cap::test {

/// Pages for chunks and directories. Freeing one overwrites it at once, so that a late reader fails its test,
/// or is a data race for the thread sanitizer.
class Arena {
 public:
  static constexpr std::size_t kPages = 2048;
  static std::byte* base() { return pages_[0].data(); }
  static void* take() {
    const std::scoped_lock lock(mutex_);
    if (!free_.empty()) {
      auto* page = free_.front();  // the oldest, to keep freed pages unused for long
      free_.pop_front();
      return page;
    }
    return pages_.at(next_++).data();
  }
  static void give(void* page) {
    const std::scoped_lock lock(mutex_);
    std::memset(page, 0xA5, kPageSize);
    free_.push_back(page);
  }
  static std::size_t in_use() {
    const std::scoped_lock lock(mutex_);
    return next_ - free_.size();
  }

 private:
  struct alignas(kPageSize) Page : std::array<std::byte, kPageSize> {};
  static inline std::array<Page, kPages> pages_;
  static inline std::deque<void*> free_;
  static inline std::size_t next_ = 0;
  static inline std::mutex mutex_;
};

/// What "another CPU" does at the next such point of this thread, once: tests of one interleaving each.
inline thread_local std::function<void()> before_lock, before_step_of_walk;
inline void run_once(std::function<void()>& hook) {
  if (hook) std::exchange(hook, nullptr)();
}

/// Knows how many this thread holds: another CPU would have to wait for them.
struct TestLock : SpinLock {
  static inline thread_local int held = 0;
  void lock() {
    run_once(before_lock);
    ++held;
    SpinLock::lock();
  }
  void unlock() {
    SpinLock::unlock();
    --held;
  }
};

struct TestMachine {
  using Lock = TestLock;
  static Entry* entry_at(EntryIndex index) {
    run_once(before_step_of_walk);
    return reinterpret_cast<Entry*>(Arena::base() + std::size_t{index.raw()} * sizeof(Entry));
  }
  static EntryIndex index_of(const Entry* entry) {
    const auto offset = reinterpret_cast<const std::byte*>(entry) - Arena::base();
    return EntryIndex(static_cast<std::uint32_t>(static_cast<std::size_t>(offset) / sizeof(Entry)));
  }
  /// Whom this thread has to settle; the kernel keeps such a list for each call.
  static void claimed(Entry& entry) { last_claimed = &entry; }
  static inline thread_local Entry* last_claimed = nullptr;
  static std::uint64_t next_epoch() { return epochs_.fetch_add(1, std::memory_order_relaxed); }

 private:
  static inline std::atomic<std::uint64_t> epochs_{2};
};

using TestSpace = Space<TestMachine>;
using TestTree = Tree<TestMachine>;
using TestTeardown = Teardown<TestMachine>;
using Reaped = TestTree::Reaped;

/// A space with its pages.
struct Domain {
  explicit Domain(unsigned chunks = 1) {
    space.set_directory(static_cast<Entry**>(Arena::take()));
    for (unsigned i = 0; i < chunks; ++i) grow();
  }
  ~Domain() {
    while (auto* page = space.take_chunk()) Arena::give(page);
    Arena::give(space.directory());
  }
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;
  void grow() {
    auto* page = static_cast<Entry*>(Arena::take());
    if (!space.add_chunk(page)) Arena::give(page);
  }
  TestSpace space;
};

constexpr TypeNumber kTypeA{3}, kTypeB{4};
inline constexpr std::uint64_t kAlive = 0x600d'0b1e'c700'0001;

struct Object : TestSpace::Header {
  explicit Object(TypeNumber number) { type = number; }
  ~Object() { canary = 0xdead; }
  std::uint64_t canary = kAlive;
};
inline Object& object_in(const Checked& checked) {
  return *static_cast<Object*>(static_cast<TestSpace::Header*>(checked.object));
}

/// Undoes one of the bindings that an entry counts in an int, if it has any.
inline bool unbind_one(Entry* entry) {
  auto* left = static_cast<int*>(entry->bindings);
  return left == nullptr || --*left == 0;
}
/// Nothing hangs on any entry.
inline bool no_bindings(Entry*) { return true; }

inline Entry* must_reserve(TestSpace& space) {
  auto entry = space.reserve();
  if (!entry) std::abort();
  return *entry;
}

/// Creates the capability to `object` that everything else derives from.
inline Handle plant(TestSpace& space, Object& object, Rights rights = kAllRights) {
  auto* entry = must_reserve(space);
  TestTree::plant(entry, object, rights);
  return TestSpace::handle_of(entry);
}

/// What exo_cap_derive does, less the rights that call needs.
inline Result<Handle> derive(TestSpace& from, Handle source, Rights mask, TestSpace& to) {
  FB_ASSIGN(const auto found, from.lookup_any(source, Rights()));
  const auto fresh = to.reserve();
  auto derived = fresh ? TestTree::derive(found.entry, mask, *fresh) : fail(fresh.error());
  TestTree::settle(found.entry, false);
  if (!derived && fresh) to.release(*fresh);
  return derived;
}

/// Cleans up below a cut capability; returns the object when it was the creating one. Nobody else is inside.
inline Object* reap_all(TestSpace& space, Handle handle) {
  for (TestSpace::Header* object = nullptr;;) {
    switch (TestTree::reap_step(space, handle, object, no_bindings)) {
      case Reaped::Some:
        break;
      case Reaped::Done:
        return nullptr;
      case Reaped::Root:
        return static_cast<Object*>(object);
    }
  }
}

/// Per CPU: odd while inside (tree.hpp, G1 and G2).
class Cpus {
 public:
  explicit Cpus(std::size_t count) : turns_(count) {}

  class [[nodiscard]] Inside {
   public:
    Inside(Cpus& cpus, std::size_t cpu) : turn_(cpus.turns_[cpu].value) { turn_.fetch_add(1); }
    ~Inside() { turn_.fetch_add(1); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    std::atomic<std::uint64_t>& turn_;
  };

  void grace() {
    for (auto& turn : turns_) {
      const auto seen = turn.value.load();
      while (seen % 2 != 0 && turn.value.load() == seen) std::this_thread::yield();
    }
  }

 private:
  struct alignas(64) Turn {
    std::atomic<std::uint64_t> value{0};
  };
  std::vector<Turn> turns_;
};

}  // namespace fb::core::cap::test

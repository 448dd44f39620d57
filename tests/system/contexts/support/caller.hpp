// A hostile domain: makes calls with random and near-valid arguments, of every number, for ever.
#pragma once

#include <atomic>

#include "tests/system/contexts/support/guest.hpp"
#include "tests/system/harness/child.hpp"

namespace fb::test {

/// Handles of one domain by type, shared by its contexts. The first of each type are what the domain was given.
struct Pool {
  static constexpr unsigned kTypes = 13, kEach = 16, kGiven = 2;
  std::atomic<std::uint64_t> handles[kTypes][kEach];
  void clear();
  void put(unsigned type, std::uint64_t handle, Random& random) {
    handles[type][kGiven + random.below(kEach - kGiven)].store(handle);
  }
  /// A handle that is no good any more leaves the pool.
  void forget(std::uint64_t handle);
  [[nodiscard]] bool given(std::uint64_t handle) const;
  [[nodiscard]] std::uint64_t take(unsigned type, Random& random) const {
    return handles[type][random.below(kEach)].load();
  }
};

/// What the callers of one domain did; the supervisor reads it while they run.
struct Tally {
  std::atomic<std::uint64_t> calls, unknown;
  std::atomic<std::uint64_t> last_call, unknown_call, unknown_status;
  std::atomic<std::uint64_t> by_status[40];
  void clear();
};

inline constexpr std::uint64_t kAnyCall = ~std::uint64_t{0};

struct Caller {
  Pool pool;
  Tally tally;
  std::atomic<std::uint32_t> next_seed;
  std::uint64_t seed{};
  std::uint64_t only_call{};  ///< a number, or kAnyCall
};

/// The body of a worker; its argument is the address of a Caller. Does not return.
void call_at_random(Start& start);

/// Fills a caller's pool with what its domain gets: its own objects, and events, gates and pages that are everybody's.
void equip(Caller& caller, Child& child, std::uint64_t seed);

/// What belongs to everybody, made once.
struct Commons {
  EventCap event;
  abi::Cap<abi::ObjectType::Pages> pages;
  Commons();
  ~Commons();
};
extern Commons* commons;

/// Makes a call as it is; nothing is checked on this side.
std::uint64_t raw_call(std::uint64_t number, const std::uint64_t (&arguments)[6], std::uint64_t header,
                       std::uint64_t& value);

}  // namespace fb::test

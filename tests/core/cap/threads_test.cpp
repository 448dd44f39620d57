// Real threads as CPUs, for the thread sanitizer: lookups against derivation, revocation, clean-up and the
// end of domains, with grace periods as tree.hpp asks for them (CAP-3, CAP-4, CAP-5).
#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "tests/core/cap/machine.hpp"

namespace fb::core::cap::test {
namespace {

/// A handle that readers try. `revoked` is set when the revocation that covers it has returned.
struct Given {
  std::atomic<TestSpace*> space{nullptr};
  std::atomic<std::uint64_t> handle{0};
  std::atomic<bool> revoked{false};
};

class Board {
 public:
  explicit Board(std::size_t places) : given_(places) {}
  Given& operator[](std::size_t at) { return given_[at]; }
  std::size_t publish(TestSpace& space, Handle handle) {
    const auto at = count_.load();
    given_.at(at).space = &space;
    given_.at(at).handle = handle.raw();
    count_ = at + 1;
    return at;
  }
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  std::vector<Given> given_;
  std::atomic<std::size_t> count_{0};
};

/// Looks up one handle and acts on the object, all in one stay inside; returns whether it was valid.
bool use(Cpus& cpus, std::size_t cpu, Given& given) {
  const Cpus::Inside inside(cpus, cpu);
  const bool revoked_before = given.revoked;
  const auto found = given.space.load()->lookup(Handle(given.handle), kTypeA, Right::Read);
  if (!found) return false;
  EXPECT_FALSE(revoked_before) << "a check succeeded after revoke had returned";
  EXPECT_EQ(object_in(*found).canary, kAlive);
  std::this_thread::yield();
  EXPECT_EQ(object_in(*found).canary, kAlive) << "the object went while somebody acted on it";
  EXPECT_FALSE(given.revoked) << "revoke returned while somebody still acted on its capability";
  return true;
}

/// A capability that is cut and not yet cleaned up; its space is pinned unless a teardown does the rest (G4).
struct Work {
  TestSpace& space;
  Handle handle;
  bool pinned;
};
std::optional<Work> cut(Cpus& cpus, std::size_t cpu, TestSpace& space, Handle handle) {
  const Cpus::Inside inside(cpus, cpu);
  const auto found = space.lookup_any(handle, Rights());
  if (!found || !TestTree::cut(found->entry)) return std::nullopt;
  return Work{space, handle, space.pin()};
}
/// After a grace period. A creating capability takes one more, and the object ends.
void clean_up(Cpus& cpus, std::size_t cpu, const Work& work) {
  if (!work.pinned) return;
  TestSpace::Header* object = nullptr;
  for (bool more = true; more;) {
    const Cpus::Inside inside(cpus, cpu);
    more = !work.space.closed() &&
           TestTree::reap_step(work.space, work.handle, object, no_bindings) == Reaped::Some;
  }
  work.space.unpin();
  if (object == nullptr) return;
  cpus.grace();
  delete static_cast<Object*>(object);
}
/// exo_cap_revoke; calls `returned` at the moment from which nothing may be valid.
template <class Returned>
void revoke(Cpus& cpus, std::size_t cpu, TestSpace& space, Handle handle, Returned returned) {
  const auto work = cut(cpus, cpu, space, handle);
  if (!work) return;
  cpus.grace();
  returned();
  clean_up(cpus, cpu, *work);
}

TEST(CapabilityThreads, no_lookup_succeeds_and_nobody_acts_after_revoke_returned_CAP_3) {
  constexpr std::size_t kReaders = 3;
  constexpr int kRounds = 100;
  Cpus cpus(kReaders + 1);
  std::array<Domain, 2> domains{Domain(2), Domain(2)};
  Board board(20 * kRounds);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> hits{0};
  std::vector<std::jthread> readers;
  for (std::size_t cpu = 0; cpu < kReaders; ++cpu) {
    readers.emplace_back([&, cpu] {
      std::minstd_rand random(static_cast<unsigned>(cpu + 1));
      while (!stop) {
        const auto size = board.size();
        if (size == 0) continue;
        const auto back = random() % std::min<std::size_t>(size, 24);  // the latest, some of them just gone
        if (use(cpus, cpu, board[size - 1 - back])) ++hits;
      }
    });
  }
  std::minstd_rand random(99);
  for (int round = 0; round < kRounds; ++round) {
    // A fresh object and a random tree below it, across both domains; then three revocations, the last of the
    // root.
    std::vector<std::pair<std::size_t, std::size_t>> made;  // place on the board, index of the parent
    {
      const Cpus::Inside inside(cpus, kReaders);
      const auto root = plant(domains[0].space, *new Object(kTypeA));
      made.emplace_back(board.publish(domains[0].space, root), 0);
      for (int i = 0; i < 15; ++i) {
        const auto parent = random() % made.size();
        auto& from = board[made[parent].first];
        auto& to = domains.at(random() % 2).space;
        const auto handle = derive(*from.space, Handle(from.handle), Right::Read, to);
        if (handle) made.emplace_back(board.publish(to, *handle), parent);
      }
    }
    while (hits.load() < static_cast<std::uint64_t>(round)) std::this_thread::yield();
    for (const std::size_t target : {random() % made.size(), random() % made.size(), std::size_t{0}}) {
      auto& given = board[made[target].first];
      revoke(cpus, kReaders, *given.space, Handle(given.handle), [&] {
        std::vector<bool> covered(made.size());
        for (std::size_t i = target; i < made.size(); ++i) {
          covered[i] = i == target || covered[made[i].second];
          if (covered[i]) board[made[i].first].revoked = true;
        }
      });
    }
  }
  stop = true;
  readers.clear();
  EXPECT_GE(hits.load(), static_cast<std::uint64_t>(kRounds - 1));
  EXPECT_EQ(domains[0].space.used() + domains[1].space.used(), 0U);
}

TEST(CapabilityThreads, of_racing_uses_of_a_once_capability_exactly_one_wins_CAP_5) {
  constexpr std::size_t kThreads = 2;
  constexpr std::size_t kRacedFor = 50;
  constexpr std::size_t kRounds = 200;
  Domain domain(1);
  Object object(kTypeA);
  const auto root = plant(domain.space, object);
  std::array<Handle, kRacedFor> handles;
  std::array<std::atomic<int>, kRacedFor> wins{};
  std::atomic<std::size_t> round{0};
  std::atomic<std::size_t> finished{0};
  std::vector<std::jthread> threads;
  for (std::size_t cpu = 0; cpu < kThreads; ++cpu) {
    threads.emplace_back([&] {
      for (std::size_t mine = 1; mine <= kRounds; ++mine) {
        while (round < mine) std::this_thread::yield();
        // All start on the same one at the same time, and stay close.
        for (std::size_t i = 0; i < kRacedFor; ++i) {
          const auto found = domain.space.lookup(handles[i], kTypeA, Right::Invoke);
          EXPECT_TRUE(found || found.error() == Error::Consumed);
          if (found) ++wins[i];
        }
        ++finished;
      }
    });
  }
  for (std::size_t number = 1; number <= kRounds; ++number) {
    // Every other round is for the same capabilities, which their winners gave back.
    const bool fresh = number % 2 == 1;
    for (auto& handle : handles) {
      if (fresh) handle = *derive(domain.space, root, Right::Invoke | Right::Once, domain.space);
    }
    round = number;
    while (finished < kThreads * number) std::this_thread::yield();
    for (std::size_t i = 0; i < kRacedFor; ++i) {
      ASSERT_EQ(wins[i].exchange(0), 1);
      auto* entry = domain.space.entry_of(handles[i].slot());
      if (TestTree::settle(entry, !fresh)) reap_all(domain.space, handles[i]);
    }
  }
  threads.clear();
  EXPECT_EQ(domain.space.used(), 1U);
}

/// An object and a random tree of `count` capabilities below it, spread over the domains.
struct Forest {
  struct Cap {
    std::size_t domain;
    Handle handle;
  };
  Forest(std::vector<std::unique_ptr<Domain>>& domains, std::minstd_rand& random, std::size_t count) {
    caps.push_back({0, plant(domains[0]->space, *new Object(kTypeA))});
    while (caps.size() < count) {
      const auto from = caps.at(random() % caps.size());
      const auto to = random() % domains.size();
      const auto made =
          derive(domains.at(from.domain)->space, from.handle, Right::Read, domains.at(to)->space);
      if (made) caps.push_back({to, *made});
    }
  }
  std::vector<Cap> caps;
};

TEST(CapabilityThreads, revokers_of_ancestor_and_descendant_both_end_CAP_3) {
  constexpr std::size_t kCpus = 3;
  std::vector<std::unique_ptr<Domain>> domains;
  for (int i = 0; i < 2; ++i) domains.push_back(std::make_unique<Domain>(2));
  std::minstd_rand random(7);
  for (int round = 0; round < 60; ++round) {
    Cpus cpus(kCpus);
    const Forest forest(domains, random, 40);
    std::array<std::size_t, kCpus> targets{};  // the first CPU takes the creating capability
    for (std::size_t cpu = 1; cpu < kCpus; ++cpu) targets.at(cpu) = random() % forest.caps.size();
    std::atomic<std::size_t> arrived{0};
    std::vector<std::jthread> revokers;
    for (std::size_t cpu = 0; cpu < kCpus; ++cpu) {
      revokers.emplace_back([&, cpu] {
        const auto& target = forest.caps.at(targets.at(cpu));
        ++arrived;
        while (arrived < kCpus) std::this_thread::yield();
        revoke(cpus, cpu, domains.at(target.domain)->space, target.handle, [] {});
      });
    }
    revokers.clear();
    ASSERT_EQ(domains[0]->space.used() + domains[1]->space.used(), 0U);
  }
}

TEST(CapabilityThreads, domains_end_at_once_while_others_look_up_derive_and_revoke_CAP_3) {
  std::minstd_rand random(11);
  for (int round = 0; round < 40; ++round) {
    constexpr std::size_t kCpus = 5;  // two teardowns, two revokers, of which one derives too, one reader
    Cpus cpus(kCpus);
    const auto pages = Arena::in_use();
    std::vector<std::unique_ptr<Domain>> domains;
    for (int i = 0; i < 3; ++i) domains.push_back(std::make_unique<Domain>(3));
    const Forest forest(domains, random, 60);
    std::atomic<int> tearing{2};
    std::vector<Work> begun;  // in domains that end meanwhile
    for (std::size_t i = 1; i < forest.caps.size(); i += 7) {
      const auto& cap = forest.caps[i];
      if (const auto work = cut(cpus, 4, domains.at(cap.domain)->space, cap.handle)) begun.push_back(*work);
    }
    std::vector<std::jthread> threads;
    // Domain 0 created the object. Domain 2 survives; its capabilities are what the others use.
    for (std::size_t cpu = 0; cpu < 2; ++cpu) {
      threads.emplace_back([&, cpu] {
        TestTeardown teardown(domains.at(cpu)->space);
        for (auto next = TestTeardown::Next::Step; next != TestTeardown::Next::Done;) {
          {
            const Cpus::Inside inside(cpus, cpu);
            next = teardown.step(no_bindings,
                                 [](TestSpace::Header& header) { delete static_cast<Object*>(&header); });
          }
          if (next == TestTeardown::Next::Grace) cpus.grace();
        }
        domains.at(cpu).reset();  // overwrites its pages
        --tearing;
      });
    }
    threads.emplace_back([&] {
      for (const auto& cap : forest.caps) {
        if (cap.domain != 2) continue;
        {
          const Cpus::Inside inside(cpus, 2);
          (void)derive(domains[2]->space, cap.handle, Right::Read, domains[2]->space);
        }
        revoke(cpus, 2, domains[2]->space, cap.handle, [] {});
      }
    });
    threads.emplace_back([&] {
      cpus.grace();
      for (const auto& work : begun) clean_up(cpus, 4, work);
    });
    threads.emplace_back([&] {
      while (tearing != 0) {
        for (const auto& cap : forest.caps) {
          if (cap.domain != 2) continue;
          const Cpus::Inside inside(cpus, 3);
          const auto found = domains[2]->space.lookup(cap.handle, kTypeA, Right::Read);
          if (found) EXPECT_EQ(object_in(*found).canary, kAlive);
        }
      }
    });
    threads.clear();
    ASSERT_EQ(domains[2]->space.used(), 0U);
    domains.clear();
    ASSERT_EQ(Arena::in_use(), pages);
  }
}

}  // namespace
}  // namespace fb::core::cap::test

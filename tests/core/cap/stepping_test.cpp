// Every interleaving of two CPUs where the other one acts in one go: an operation is single-stepped by the
// trap flag, and at its k-th instruction, for every k, the other CPU does all of its part (CAP-3, CAP-4,
// CAP-5).
#include <gtest/gtest.h>
#include <ucontext.h>

#include <csignal>

#include "tests/core/cap/machine.hpp"

namespace fb::core::cap::test {
namespace {

class Stepper {
 public:
  /// Runs `operation`; after its k-th instruction, or the first later one where it holds no lock, runs
  /// `other`. False when the operation was over before that.
  static bool run(unsigned k, const std::function<void()>& operation, const std::function<void()>& other) {
    struct sigaction action{};
    struct sigaction before{};
    action.sa_sigaction = trap;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGTRAP, &action, &before);
    countdown_ = k;
    other_ = &other;
    std::raise(SIGTRAP);  // returns with the trap flag set
    operation();
    const bool acted = other_.exchange(nullptr) == nullptr;  // the next instruction's trap is the last
    sigaction(SIGTRAP, &before, nullptr);
    return acted;
  }

 private:
  static constexpr long kTrapFlag = 0x100;
  static void trap(int, siginfo_t*, void* context) {
    auto& flags = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL];
    if (countdown_ > 0) --countdown_;
    if (other_ != nullptr && countdown_ == 0 && TestLock::held == 0) (*other_.exchange(nullptr))();
    flags = other_ != nullptr ? flags | kTrapFlag : flags & ~kTrapFlag;
  }
  static inline std::atomic<unsigned> countdown_{0};
  static inline std::atomic<const std::function<void()>*> other_{nullptr};
};

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
constexpr unsigned kStride = 13;  // instrumented code has many instructions; the release preset takes each
#else
constexpr unsigned kStride = 1;
#endif
constexpr unsigned kNever = 100'000;

/// Two domains and a chain root - middle - low across them.
struct Scene {
  Domain a{1}, b{1};
  Object object{kTypeA};
  Object second{kTypeA};
  Handle root = plant(a.space, object);
  Handle middle = derive(a.space, root, kAllRights.without(Right::Once), a.space).value_or(Handle());
  Handle low = derive(a.space, middle, kAllRights.without(Right::Once), b.space).value_or(Handle());
  static Entry* entry(Domain& domain, Handle handle) { return domain.space.entry_of(handle.slot()); }
  [[nodiscard]] Result<Checked> look(Handle handle) const {
    return b.space.lookup(handle, kTypeA, Right::Read);
  }
  [[nodiscard]] bool valid(Handle handle) const { return look(handle).has_value(); }
};

/// Calls `test(k, ...)` for each instruction; it returns what Stepper::run does.
template <class Test>
void at_every_instruction(Test test) {
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "its signal handling gets in between; the asan and release presets run this";
#endif
  unsigned k = 1;
  for (; test(k); k += kStride) {
    ASSERT_LT(k, kNever);
    if (::testing::Test::HasFailure()) FAIL() << "at instruction " << k;
  }
  EXPECT_GT(k, 20U) << "stepping does not work here";
}

// The lookup goes inside after the grace period of the revocation of `middle`, so reapers do not wait for it.
TEST(Stepping, a_handle_whose_slot_is_reaped_and_reused_under_the_lookup_is_never_valid_CAP_4) {
  at_every_instruction([](unsigned k) {
    Scene scene;
    EXPECT_TRUE(TestTree::cut(Scene::entry(scene.a, scene.middle)));
    Handle reuse;
    bool found = false;
    const bool acted = Stepper::run(
        k, [&] { found = scene.valid(scene.low); },
        [&] {
          reap_all(scene.a.space, scene.middle);
          reuse = plant(scene.b.space, scene.second);
        });
    EXPECT_FALSE(found);
    EXPECT_TRUE(!acted || reuse.slot() == scene.low.slot());
    EXPECT_TRUE(!acted || scene.valid(reuse));
    return acted;
  });
}

TEST(Stepping, what_a_lookup_remembers_never_hides_a_revocation_that_came_during_it_CAP_3) {
  at_every_instruction([](unsigned k) {
    Scene scene;
    // Another revocation on the object, so that this lookup walks.
    EXPECT_TRUE(
        TestTree::cut(Scene::entry(scene.a, *derive(scene.a.space, scene.root, Rights(), scene.a.space))));
    const bool acted = Stepper::run(
        k, [&] { (void)scene.valid(scene.low); },
        [&] { EXPECT_TRUE(TestTree::cut(Scene::entry(scene.a, scene.middle))); });
    EXPECT_NE(scene.valid(scene.low), acted);
    return acted;
  });
}

// The old ancestry is gone, and the slots of `middle` and `low` make a new chain that is then revoked.
TEST(Stepping, what_an_overtaken_lookup_remembers_never_hides_a_revocation_of_the_reused_slot_CAP_3) {
  at_every_instruction([](unsigned k) {
    Scene scene;
    EXPECT_TRUE(TestTree::cut(Scene::entry(scene.a, scene.middle)));
    Handle middle;
    Handle low;
    bool found = false;
    const bool acted = Stepper::run(
        k, [&] { found = scene.valid(scene.low); },
        [&] {
          reap_all(scene.a.space, scene.middle);
          middle = *derive(scene.a.space, scene.root, Right::Read | Right::Derive, scene.a.space);
          low = *derive(scene.a.space, middle, Right::Read, scene.b.space);
        });
    EXPECT_FALSE(found);
    if (!acted) return false;
    EXPECT_EQ(low.slot(), scene.low.slot());
    EXPECT_TRUE(scene.valid(low));
    EXPECT_TRUE(TestTree::cut(Scene::entry(scene.a, middle)));
    EXPECT_FALSE(scene.valid(low));
    return true;
  });
}

TEST(Stepping, two_uses_of_a_once_capability_have_one_winner_at_every_instruction_CAP_5) {
  at_every_instruction([](unsigned k) {
    Scene scene;
    const auto once = *derive(scene.a.space, scene.root, kAllRights, scene.b.space);
    bool first = false;
    bool second = false;
    const bool acted =
        Stepper::run(k, [&] { first = scene.valid(once); }, [&] { second = scene.valid(once); });
    EXPECT_NE(first, second) << "one, and only one";
    return acted;
  });
}

TEST(Stepping, a_reaper_overtaken_by_another_ends_at_every_instruction) {
  at_every_instruction([](unsigned k) {
    Scene scene;
    EXPECT_TRUE(TestTree::cut(Scene::entry(scene.b, scene.low)));
    EXPECT_TRUE(TestTree::cut(Scene::entry(scene.a, scene.root)));
    Object* got = nullptr;
    Handle reuse;
    TestSpace::Header* object = nullptr;
    Reaped result{};
    const bool acted = Stepper::run(
        k, [&] { result = TestTree::reap_step(scene.b.space, scene.low, object, no_bindings); },
        [&] {
          EXPECT_EQ(reap_all(scene.b.space, scene.low), nullptr);  // as the teardown of its space does
          got = reap_all(scene.a.space, scene.root);
          reuse = plant(scene.b.space, scene.second);
        });
    EXPECT_EQ(result, Reaped::Done);
    EXPECT_EQ(object, nullptr);
    EXPECT_TRUE(!acted || (got == &scene.object && scene.valid(reuse) && scene.b.space.used() == 1));
    return acted;
  });
}

TEST(Stepping, a_derivation_and_a_revocation_of_its_source_leave_nothing_valid_at_any_instruction_CAP_3) {
  at_every_instruction([](unsigned k) {
    Scene scene;
    auto* fresh = must_reserve(scene.b.space);
    const auto handle = TestSpace::handle_of(fresh);
    bool derived = false;
    const bool acted = Stepper::run(
        k,
        [&] {
          derived = TestTree::derive(Scene::entry(scene.a, scene.middle), kAllRights, fresh).has_value();
        },
        [&] { TestTree::cut(Scene::entry(scene.a, scene.root)); });
    if (!acted) return false;
    EXPECT_FALSE(scene.valid(handle));
    if (!derived) scene.b.space.release(fresh);
    EXPECT_EQ(reap_all(scene.a.space, scene.root), &scene.object);
    EXPECT_EQ(scene.a.space.used() + scene.b.space.used(), 0U);
    return true;
  });
}

}  // namespace
}  // namespace fb::core::cap::test

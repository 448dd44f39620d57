#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "libos/posix/base/ref.hpp"
#include "libos/posix/base/vector.hpp"

namespace fb::libos::posix {
namespace {

class Counted : public Shared {
 public:
  explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
  virtual ~Counted() { --*alive_; }

 private:
  int* alive_;
};
class Derived final : public Counted {
 public:
  using Counted::Counted;
};

TEST(Ref, the_last_one_deletes) {
  int alive = 0;
  Ref<Counted> kept;
  {
    const auto made = make_shared<Derived>(alive);
    ASSERT_TRUE(made.has_value());
    kept = *made;
    EXPECT_EQ(kept->references(), 2U);
    const Ref<Counted> same(*kept);
    EXPECT_TRUE(same == kept);
  }
  EXPECT_EQ(alive, 1);
  Ref<Counted> moved = std::move(kept);
  EXPECT_EQ(moved->references(), 1U);
  moved = Ref<Counted>(*moved);
  EXPECT_EQ(alive, 1);
  moved.reset();
  EXPECT_EQ(alive, 0);
}

TEST(Vector, inserts_erases_and_moves) {
  Vector<std::unique_ptr<int>> numbers;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(numbers.insert(0, std::make_unique<int>(i)).has_value());
  EXPECT_EQ(numbers.size(), 100U);
  EXPECT_EQ(*numbers[0], 99);
  EXPECT_EQ(*numbers.back(), 0);
  numbers.erase(0);
  EXPECT_EQ(*numbers[0], 98);
  ASSERT_TRUE(numbers.insert(50, std::make_unique<int>(-1)).has_value());
  EXPECT_EQ(*numbers[50], -1);
  EXPECT_EQ(*numbers[51], 48);
  Vector<std::unique_ptr<int>> other = std::move(numbers);
  EXPECT_TRUE(numbers.empty());  // NOLINT(bugprone-use-after-move): what it promises
  other = Vector<std::unique_ptr<int>>();
  EXPECT_TRUE(other.empty());
}

TEST(Vector, refuses_what_no_memory_holds) {
  Vector<std::string> texts;
  EXPECT_EQ(texts.reserve(~std::size_t{0} / 8).error(), Errno::NoMemory);
  ASSERT_TRUE(texts.push_back("kept").has_value());
  EXPECT_EQ(texts[0], "kept");
}

TEST(Errno, is_minus_its_number_in_a_register) {
  EXPECT_EQ(static_cast<std::int64_t>(to_register(Errno::NoEntry)), -2);
  EXPECT_STREQ(spelling_of(Errno::NoCall), "ENOSYS");
}

}  // namespace
}  // namespace fb::libos::posix

// core/ring: loss, duplication, order, wrap-around and hostile peers (A1.21).
#include "core/ring/spsc.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace fb::core::ring {
namespace {

constexpr std::uint64_t kLast = ~std::uint64_t{0};

/// A descriptor-sized item whose words must all tell the same story: a torn one shows.
struct Item {
  std::array<std::uint64_t, 8> words;
  static Item of(std::uint64_t seed) {
    Item item{};
    for (std::size_t i = 0; i != item.words.size(); ++i) item.words[i] = seed * (i + 1);
    return item;
  }
  [[nodiscard]] bool whole() const { return *this == of(words[0]); }
  bool operator==(const Item&) const = default;
};

/// Memory of exactly the right size, so that ASan sees any step outside.
template <class T>
class Memory {
 public:
  explicit Memory(std::uint64_t capacity)
      : bytes_(
            static_cast<std::byte*>(operator new(kSlotsOffset + capacity * sizeof(T), std::align_val_t{64}))),
        capacity_(capacity) {
    std::fill_n(bytes_, size(), std::byte{0});
  }
  ~Memory() { operator delete(bytes_, std::align_val_t{64}); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  [[nodiscard]] std::size_t size() const { return kSlotsOffset + capacity_ * sizeof(T); }
  [[nodiscard]] std::span<std::byte> bytes() { return {bytes_, size()}; }
  [[nodiscard]] SpscRing<T> ring() { return *SpscRing<T>::locate(bytes(), SlotCount(capacity_)); }

 private:
  std::byte* bytes_;
  std::uint64_t capacity_;
};

template <class T>
struct Pair {
  Memory<T> memory;
  SpscRing<T> ring;
  typename SpscRing<T>::Producer producer;
  typename SpscRing<T>::Consumer consumer;

  explicit Pair(std::uint64_t capacity, std::uint64_t start = 0)
      : memory(capacity),
        ring(memory.ring()),
        producer(ring, Sequence(start)),
        consumer(ring, Sequence(start)) {
    *ring.read_seq = start;
    *ring.write_seq = start;
  }
  bool push(T item) {
    const auto pushed = producer.try_push(item);
    EXPECT_TRUE(pushed);
    return pushed.value_or(false);
  }
  std::optional<T> pop() {
    const auto popped = consumer.try_pop();
    EXPECT_TRUE(popped);
    return popped.value_or(std::nullopt);
  }
};

TEST(SpscRing, layout_is_the_contract_A1_21) {
  Pair<std::uint64_t> pair(4);
  EXPECT_TRUE(pair.push(0x1122'3344'5566'7788));
  const std::byte* const bytes = pair.memory.bytes().data();
  const auto word = [&](std::size_t at) { return *reinterpret_cast<const std::uint64_t*>(bytes + at); };
  EXPECT_EQ(word(0), 0u);
  EXPECT_EQ(word(64), 1u);
  EXPECT_EQ(word(128), 0x1122'3344'5566'7788u);
  EXPECT_TRUE(pair.pop());
  EXPECT_EQ(word(0), 1u);
}

TEST(SpscRing, locate_refuses_what_does_not_fit_A1_21) {
  Memory<Item> memory(8);
  const auto error = [&](std::span<std::byte> bytes, std::uint64_t capacity) {
    return SpscRing<Item>::locate(bytes, SlotCount(capacity)).error_or(Error{});
  };
  EXPECT_EQ(error(memory.bytes(), 8), Error{});
  EXPECT_EQ(error(memory.bytes(), 1), Error{});
  EXPECT_EQ(error(memory.bytes(), 0), Error::BadArgument);
  EXPECT_EQ(error(memory.bytes(), 6), Error::BadArgument);
  EXPECT_EQ(error(memory.bytes(), kLast), Error::BadArgument);
  EXPECT_EQ(error(memory.bytes(), 16), Error::BadRange);
  EXPECT_EQ(error(memory.bytes(), std::uint64_t{1} << 63), Error::BadRange);
  EXPECT_EQ(error(memory.bytes(), std::uint64_t{1} << 58), Error::BadRange) << "capacity * 64 wraps to 0";
  EXPECT_EQ(error(memory.bytes().first(memory.size() - 1), 8), Error::BadRange);
  EXPECT_EQ(error(memory.bytes().first(127), 1), Error::BadRange);
  EXPECT_EQ(error({}, 1), Error::BadRange);
  EXPECT_EQ(error(memory.bytes().subspan(8), 4), Error::BadAddress);
}

TEST(SpscRing, full_and_empty_are_reported_A1_21) {
  Pair<std::uint32_t> pair(2);
  EXPECT_FALSE(pair.pop());
  EXPECT_TRUE(pair.push(1));
  EXPECT_TRUE(pair.push(2));
  EXPECT_FALSE(pair.push(3));
  EXPECT_EQ(pair.pop(), 1u);
  EXPECT_TRUE(pair.push(4));
  EXPECT_FALSE(pair.push(5));
  EXPECT_EQ(pair.pop(), 2u);
  EXPECT_EQ(pair.pop(), 4u);
  EXPECT_FALSE(pair.pop());
}

TEST(SpscRing, odd_sized_items_and_one_slot_work) {
  using Odd = std::array<std::uint8_t, 3>;
  Pair<Odd> pair(1);
  for (std::uint8_t i = 0; i != 10; ++i) {
    EXPECT_TRUE(pair.push({i, 2, 3}));
    EXPECT_FALSE(pair.push({9, 9, 9}));
    EXPECT_EQ(pair.pop(), (Odd{i, 2, 3}));
    EXPECT_FALSE(pair.pop());
  }
}

TEST(SpscRing, sequences_wrap_at_64_bits_A1_21) {
  Pair<Item> pair(4, kLast - 5);
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i != 20; ++i) {
    EXPECT_TRUE(pair.push(Item::of(2 * i)));
    EXPECT_TRUE(pair.push(Item::of(2 * i + 1)));
    EXPECT_EQ(pair.pop(), Item::of(next++));
    EXPECT_EQ(pair.pop(), Item::of(next++));
  }
  EXPECT_FALSE(pair.pop());
  EXPECT_EQ(pair.producer.sequence(), Sequence(kLast - 5 + 40));
  EXPECT_EQ(pair.consumer.sequence(), pair.producer.sequence());
  for (std::uint64_t i = 0; i != 4; ++i) EXPECT_TRUE(pair.push(Item::of(i)));
  EXPECT_FALSE(pair.push(Item::of(4)));
}

TEST(SpscRing, impossible_producer_index_is_reported_and_survived_A1_21) {
  Pair<Item> pair(4);
  ASSERT_TRUE(pair.push(Item::of(7)));
  for (const std::uint64_t lie : {std::uint64_t{5}, std::uint64_t{1} << 32, std::uint64_t{1} << 63, kLast}) {
    pair.ring.write_seq->store(lie);
    EXPECT_EQ(pair.consumer.try_pop().error_or(Error{}), Error::BadFormat) << lie;
  }
  pair.ring.write_seq->store(1);
  EXPECT_EQ(pair.pop(), Item::of(7)) << "an error changes nothing";
  pair.ring.write_seq->store(0);
  EXPECT_EQ(pair.consumer.try_pop().error_or(Error{}), Error::BadFormat) << "back behind what was popped";
}

TEST(SpscRing, impossible_consumer_index_is_reported_and_survived_A1_21) {
  Pair<Item> pair(4);
  for (std::uint64_t i = 0; i != 4; ++i) ASSERT_TRUE(pair.push(Item::of(i)));
  for (const std::uint64_t lie : {std::uint64_t{5}, std::uint64_t{1} << 32, std::uint64_t{1} << 63, kLast}) {
    pair.ring.read_seq->store(lie);
    EXPECT_EQ(pair.producer.try_push(Item::of(9)).error_or(Error{}), Error::BadFormat) << lie;
  }
  pair.ring.read_seq->store(0);
  for (std::uint64_t i = 0; i != 4; ++i) EXPECT_EQ(pair.pop(), Item::of(i)) << "an error changes nothing";
  EXPECT_TRUE(pair.push(Item::of(4)));
}

TEST(SpscRing, an_end_does_not_believe_its_own_index_in_shared_memory) {
  Pair<Item> pair(4);
  ASSERT_TRUE(pair.push(Item::of(1)));
  ASSERT_TRUE(pair.pop());
  pair.ring.read_seq->store(kLast);  // the producer writes the consumer's index
  EXPECT_TRUE(pair.push(Item::of(2)));
  EXPECT_EQ(pair.pop(), Item::of(2));
  EXPECT_EQ(pair.ring.read_seq->load(), 2u);
}

/// Commands of one byte against a deque; from a random start, so that wrap-around is in reach.
RC_GTEST_PROP(SpscRing, behaves_as_a_bounded_deque_A1_21, ()) {
  const auto capacity = std::uint64_t{1} << *rc::gen::inRange(0, 5);
  const auto start = *rc::gen::oneOf(
      rc::gen::just(std::uint64_t{0}),
      rc::gen::map(rc::gen::inRange(0, 40), [](int i) { return kLast - static_cast<std::uint64_t>(i); }));
  Pair<Item> pair(capacity, start);
  std::deque<Item> model;
  std::uint64_t made = 0;
  std::uint64_t taken = 0;
  for (const bool push : *rc::gen::resize(300, rc::gen::arbitrary<std::vector<bool>>())) {
    if (push) {
      const auto pushed = pair.producer.try_push(Item::of(made));
      RC_ASSERT((pushed.has_value() && *pushed == (model.size() != capacity)));
      if (*pushed) model.push_back(Item::of(made++));
    } else {
      const auto popped = pair.consumer.try_pop();
      RC_ASSERT((popped.has_value() && popped->has_value() == !model.empty()));
      if (model.empty()) continue;
      RC_ASSERT(**popped == model.front());
      model.pop_front();
      ++taken;
    }
    RC_ASSERT(pair.ring.write_seq->load() == start + made && pair.ring.read_seq->load() == start + taken);
    RC_ASSERT(pair.producer.sequence().raw() - pair.consumer.sequence().raw() == model.size());
  }
}

/// Whatever the shared indices and slots hold: an error or an item from inside, never a step outside (ASan).
RC_GTEST_PROP(SpscRing, hostile_memory_is_never_left_A1_21, ()) {
  Pair<Item> pair(8);
  const auto index =
      rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 12), rc::gen::arbitrary<std::uint64_t>(),
                     rc::gen::element(std::uint64_t{1} << 63, kLast - 8, kLast));
  const auto count = *rc::gen::inRange(0, 60);
  for (int i = 0; i != count; ++i) {
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        pair.ring.read_seq->store(*index);
        break;
      case 1:
        pair.ring.write_seq->store(*index);
        break;
      case 2: {
        const auto before = pair.producer.sequence();
        const auto pushed = pair.producer.try_push(Item::of(1));
        RC_ASSERT((pushed.has_value() || pushed.error() == Error::BadFormat));
        RC_ASSERT(pair.producer.sequence() - before == Sequence(pushed.value_or(false) ? 1 : 0));
        break;
      }
      default: {
        const auto before = pair.consumer.sequence();
        const auto popped = pair.consumer.try_pop();
        RC_ASSERT((popped.has_value() || popped.error() == Error::BadFormat));
        RC_ASSERT(pair.consumer.sequence() - before == Sequence(popped.value_or(std::nullopt) ? 1 : 0));
      }
    }
  }
}

/// Waits a little while running, so that the other side is met in the act; then lets it run.
void back_off(unsigned& tries) {
  if (++tries % 512 == 0) {
    std::this_thread::yield();
  } else {
    __builtin_ia32_pause();
  }
}

/// Up to 50,000 items, and no longer than half a second: on a busy machine each wait may cost a time slice.
/// Each item stands for a plain word beside the ring, which is reused once its item must have been popped: so
/// TSan sees whether the ring's orders carry over to what its items name, in both directions.
void stress(std::uint64_t capacity, std::uint64_t start) {
  Pair<Item> pair(capacity, start);
  std::atomic<std::uint64_t> total{50'000};
  std::vector<std::uint64_t> beside(2 * capacity + 2);
  std::thread producer([&] {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
    std::uint64_t made = 0;
    unsigned tries = 0;
    while (made < total.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < deadline) {
      beside[made % beside.size()] = made + 1;
      if (pair.producer.try_push(Item::of(made + 1)).value_or(false)) {
        ++made;
      } else {
        back_off(tries);
      }
    }
    total.store(made, std::memory_order_relaxed);
  });
  unsigned tries = 0;
  for (std::uint64_t taken = 0; taken < total.load(std::memory_order_relaxed);) {
    const auto popped = pair.consumer.try_pop();
    const bool got = popped.value_or(std::nullopt).has_value();
    if (!popped || (got && (**popped != Item::of(taken + 1) || beside[taken % beside.size()] != taken + 1))) {
      ADD_FAILURE() << "item " << taken + 1 << " is lost, doubled, torn or out of order";
      total.store(0, std::memory_order_relaxed);
    } else if (got) {
      ++taken;
    } else {
      back_off(tries);
    }
  }
  producer.join();
  if (!testing::Test::HasFailure()) EXPECT_FALSE(pair.pop());
}

TEST(SpscRingStress, nothing_is_lost_doubled_torn_or_reordered_A1_21) {
  for (const std::uint64_t capacity : {1u, 2u, 8u, 256u}) stress(capacity, 0);
}

TEST(SpscRingStress, neither_at_the_wrap_of_the_sequences_A1_21) { stress(8, kLast - 50); }

/// A third thread scribbles on both indices and the slots: ends may report or read garbage, and go on.
TEST(SpscRingStress, a_scribbling_peer_hurts_only_values_A1_21) {
  Pair<Item> pair(8);
  std::atomic<bool> done{false};
  std::thread scribbler([&] {
    // A fixed linear generator: reproducible.
    for (std::uint64_t x = 1; !done.load(std::memory_order_relaxed);
         x = x * 6364136223846793005 + 1442695040888963407) {
      (x >> 40 & 1 ? pair.ring.read_seq : pair.ring.write_seq)
          ->store(x >> 41 & 1 ? x : x >> 60, std::memory_order_relaxed);
      pair.ring.slots[x >> 58].store(x, std::memory_order_relaxed);
    }
  });
  std::uint64_t pushed = 0;
  std::thread producer([&] {
    for (int i = 0; i != 30'000; ++i) pushed += pair.producer.try_push(Item::of(1)).value_or(false) ? 1 : 0;
  });
  std::uint64_t refused = 0;
  // Until the scribbler has had its turn; a ring that believes it never ends.
  for (int i = 0; i < 30'000 || refused == 0; ++i) refused += pair.consumer.try_pop() ? 0 : 1;
  producer.join();
  done.store(true, std::memory_order_relaxed);
  scribbler.join();
}

}  // namespace
}  // namespace fb::core::ring

#include "core/list/list.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <tuple>
#include <vector>

namespace fb::core::list {
namespace {

struct Item {
  int before = 0;  // the links are not at the start, so that owner_of has something to subtract
  ListLink first;
  ListLink second;
};
using First = List<Item, &Item::first>;
using Second = List<Item, &Item::second>;

std::vector<const Item*> items(First& list) {
  std::vector<const Item*> seen;
  for (Item& item : list) seen.push_back(&item);
  return seen;
}

TEST(List, an_empty_list_has_no_front) {
  First list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.pop_front(), nullptr);
  EXPECT_TRUE(items(list).empty());
}

TEST(List, removing_what_is_on_no_list_does_nothing) {
  First list;
  Item item;
  EXPECT_FALSE(list.remove(item));
  list.push_back(item);
  EXPECT_TRUE(item.first.linked());
  EXPECT_TRUE(list.remove(item));
  EXPECT_FALSE(item.first.linked());
  EXPECT_FALSE(list.remove(item));
}

TEST(List, an_item_is_on_one_list_per_link) {
  First a;
  Second b;
  std::array<Item, 2> pool;
  a.push_back(pool[0]);
  a.push_back(pool[1]);
  b.push_front(pool[0]);
  b.push_front(pool[1]);
  EXPECT_EQ(a.front(), &pool[0]);
  EXPECT_EQ(b.front(), &pool[1]);
  EXPECT_EQ(b.next(pool[1]), &pool[0]);
  EXPECT_EQ(b.next(pool[0]), nullptr);
  a.remove(pool[0]);
  EXPECT_TRUE(pool[0].second.linked());
}

TEST(List, the_current_item_may_be_removed_while_iterating) {
  First list;
  std::array<Item, 5> pool;
  for (Item& item : pool) list.push_back(item);
  int visited = 0;
  for (Item& item : list) {
    ++visited;
    if (&item != &pool[2]) list.remove(item);
  }
  EXPECT_EQ(visited, 5);
  EXPECT_EQ(items(list), std::vector<const Item*>{&pool[2]});
}

RC_GTEST_PROP(List, agrees_with_a_deque,
              (const std::vector<std::tuple<std::uint8_t, std::uint8_t>>& commands)) {
  std::array<Item, 8> pool;
  First list;
  std::deque<const Item*> model;
  for (const auto& [command, which] : commands) {
    Item& item = pool[which % pool.size()];
    const auto at = std::find(model.begin(), model.end(), &item);
    const bool queued = at != model.end();
    RC_ASSERT(item.first.linked() == queued);
    if (command % 4 == 0 && !queued) {
      list.push_back(item);
      model.push_back(&item);
    } else if (command % 4 == 1 && !queued) {
      list.push_front(item);
      model.push_front(&item);
    } else if (command % 4 == 2) {
      RC_ASSERT(list.remove(item) == queued);
      if (queued) model.erase(at);
    } else if (command % 4 == 3) {
      const Item* popped = list.pop_front();
      RC_ASSERT(popped == (model.empty() ? nullptr : model.front()));
      if (!model.empty()) model.pop_front();
    }
    RC_ASSERT(list.empty() == model.empty());
    RC_ASSERT(items(list) == std::vector<const Item*>(model.begin(), model.end()));
  }
}

}  // namespace
}  // namespace fb::core::list

// Names in a directory: against a map, and with names that fall into one bucket.
#include "libos/posix/vfs/name_table.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "libos/posix/vfs/string.hpp"

namespace fb::libos::posix::vfs {
namespace {

struct Entry : Named<Entry> {
  explicit Entry(const std::string& the_name) : name(String::make(the_name).value()) {}
  String name;
};

RC_GTEST_PROP(NameTable, finds_what_is_there_and_nothing_else_C4_14, ()) {
  NameTable<Entry> table;
  std::map<std::string, std::unique_ptr<Entry>> model;
  const auto some_name = rc::gen::container<std::string>(rc::gen::inRange('a', 'd'));
  for (int step = *rc::gen::inRange(1, 400); step != 0; --step) {
    const std::string name = *some_name;
    const auto at = model.find(name);
    RC_ASSERT((table.find(name) != nullptr) == (at != model.end()));
    if (at == model.end()) {
      RC_ASSERT(table.make_room().has_value());
      auto entry = std::make_unique<Entry>(name);
      table.insert(*entry);
      model.emplace(name, std::move(entry));
    } else if (*rc::gen::inRange(0, 3) == 0) {
      table.remove(*at->second);
      model.erase(at);
    }
  }
  for (const auto& [name, entry] : model) RC_ASSERT(table.find(name) == entry.get());
}

TEST(NameTable, tells_names_of_one_bucket_apart_C4_14) {
  constexpr std::uint32_t kBuckets = 8;  // of a table that small
  NameTable<Entry> table;
  std::map<std::string, std::unique_ptr<Entry>> entries;
  for (int i = 0; entries.size() < kBuckets; ++i) {
    auto entry = std::make_unique<Entry>("name" + std::to_string(i));
    if (hash_of(entry->name.view()) % kBuckets != 0) continue;
    ASSERT_TRUE(table.make_room().has_value());
    table.insert(*entry);
    entries.emplace(entry->name.view(), std::move(entry));
  }
  table.remove(*entries.begin()->second);
  EXPECT_EQ(table.find(entries.begin()->first), nullptr);
  entries.erase(entries.begin());
  for (const auto& [name, entry] : entries) EXPECT_EQ(table.find(name), entry.get());
}

TEST(NameTable, hashes_all_of_a_name) {
  EXPECT_NE(hash_of("a"), hash_of("b"));
  EXPECT_NE(hash_of("a"), hash_of(std::string_view("a\0", 2)));
  EXPECT_NE(hash_of("12345678"), hash_of("123456789"));
  EXPECT_NE(hash_of("a2345678x"), hash_of("b2345678x"));
}

}  // namespace
}  // namespace fb::libos::posix::vfs

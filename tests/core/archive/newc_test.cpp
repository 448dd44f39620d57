// core/archive: the reader of newc archives, on built, real and hostile bytes (DESIGN §5, boot image).
#include "core/archive/newc.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/core/archive/newc_builder.hpp"

namespace fb::core::archive {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

Files list(const Archive& archive) {
  Files files;
  for (const Entry& entry : archive) files.emplace_back(entry.name, entry.contents);
  return files;
}

TEST(Newc, entries_come_in_order_and_in_place) {
  std::string bytes;
  add_file(bytes, ".", "", 040755);
  add_file(bytes, "./boot/root", "code");
  add_file(bytes, "empty", "");
  add_trailer(bytes);
  const auto archive = Archive::parse(std::string_view(bytes));
  ASSERT_TRUE(archive);
  EXPECT_EQ(list(*archive), (Files{{".", ""}, {"boot/root", "code"}, {"empty", ""}}));
  EXPECT_FALSE(archive->begin()->regular());
  const auto root = archive->find("boot/root");
  ASSERT_TRUE(root);
  EXPECT_TRUE(root->regular());
  EXPECT_EQ(root->mode, 0100644u);
  EXPECT_EQ(bytes.substr(root->offset.raw(), 4), "code");
  EXPECT_EQ(root->contents.data(), bytes.data() + root->offset.raw());
  EXPECT_EQ(root->bytes().size(), 4u);
  EXPECT_TRUE(archive->find("./boot/root"));
  EXPECT_EQ(archive->find("boot").error(), Error::NotFound);
  EXPECT_EQ(archive->find("TRAILER!!!").error(), Error::NotFound);
  EXPECT_EQ(archive->find("").error(), Error::NotFound);
}

TEST(Newc, an_archive_of_nothing_has_no_entries) {
  const Archive archive;
  EXPECT_EQ(archive.begin(), archive.end());
  EXPECT_EQ(archive.find("a").error(), Error::NotFound);
}

TEST(Newc, the_first_of_two_equal_names_is_found) {
  std::string bytes;
  add_file(bytes, "a", "1");
  add_file(bytes, "./a", "2");
  add_trailer(bytes);
  const auto archive = Archive::parse(std::string_view(bytes));
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->find("a")->contents, "1");
}

TEST(Newc, a_name_padded_with_nuls_aligns_the_contents) {
  std::string bytes;
  const std::string name = "image" + std::string(4096 - 110 - 5, '\0');
  add_member(bytes, name, "page", 0100755, static_cast<std::uint32_t>(name.size()), 4);
  add_trailer(bytes);
  const auto archive = Archive::parse(std::string_view(bytes));
  ASSERT_TRUE(archive);
  const auto image = archive->find("image");
  ASSERT_TRUE(image);
  EXPECT_EQ(image->offset, ByteCount(4096));
  EXPECT_EQ(image->contents, "page");
}

TEST(Newc, what_follows_the_trailer_is_ignored) {
  std::string bytes;
  add_trailer(bytes);
  bytes += "anything";
  const auto archive = Archive::parse(std::string_view(bytes));
  ASSERT_TRUE(archive);
  EXPECT_TRUE(list(*archive).empty());
}

bool refused(std::string_view bytes) {
  const auto archive = Archive::parse(bytes);
  return !archive && archive.error() == Error::BadFormat;
}

TEST(Newc, lies_about_sizes_and_names_are_refused) {
  const auto member = [](std::string_view name, std::uint32_t name_size, std::uint32_t file_size) {
    std::string bytes;
    add_member(bytes, name, "data", 0100644, name_size, file_size);
    add_trailer(bytes);
    return bytes;
  };
  using namespace std::string_view_literals;
  EXPECT_FALSE(refused(member("ab\0"sv, 3, 4)));
  EXPECT_TRUE(refused(member("ab\0"sv, 3, 0xffff'ffff))) << "contents past the end";
  EXPECT_TRUE(refused(member("ab\0"sv, 0xffff'ffff, 4))) << "name past the end";
  EXPECT_TRUE(refused(member("ab\0"sv, 0xffff'ffff, 0xffff'ffff)));
  EXPECT_TRUE(refused(member("ab\0"sv, 2, 4))) << "no NUL";
  EXPECT_TRUE(refused(member("abcdef"sv, 6, 4))) << "no NUL, and contents where they should be";
  EXPECT_TRUE(refused(member(""sv, 0, 4))) << "no name";
  EXPECT_TRUE(refused(member("\0"sv, 1, 4))) << "empty name";
  EXPECT_TRUE(refused(member("a\0b\0"sv, 4, 4))) << "a second name behind the NUL";
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused(std::string(110, '0')));
}

TEST(Newc, headers_are_hexadecimal_digits_only) {
  std::string good;
  add_file(good, "a", "1");
  add_trailer(good);
  ASSERT_FALSE(refused(good));
  for (std::size_t at = 0; at != 110; ++at) {
    for (const char c : {' ', '-', '+', 'x', 'g', 'G', '/', ':', '@', '`', '\0', '\x10', '\xb1'}) {
      std::string bad = good;
      bad[at] = c;
      EXPECT_TRUE(refused(bad)) << at << " " << c;
    }
  }
  for (std::size_t at = 6; at != 110; ++at) good[at] = static_cast<char>(std::tolower(good[at]));
  EXPECT_FALSE(refused(good));
}

TEST(Newc, every_truncation_before_the_trailers_end_is_refused) {
  std::string bytes;
  add_file(bytes, "a", "12345");
  add_file(bytes, "longer/name", "67");
  add_trailer(bytes);
  for (std::size_t size = 0; size != bytes.size(); ++size) {
    const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_TRUE(refused({cut.data(), cut.size()})) << size;
  }
}

TEST(Newc, the_archive_that_cpio_wrote_is_read) {
  std::ifstream stream("tests/fuzz/corpus/newc/cpio.newc", std::ios::binary);
  ASSERT_TRUE(stream) << "run in the source root";
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const auto archive = Archive::parse(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->find("etc/motd")->contents, "FeuerBird\n");
  EXPECT_EQ(archive->find("bin/link")->contents, "../etc/motd");
  EXPECT_EQ(archive->find("bin/link")->mode & 0170000, 0120000u);
  EXPECT_EQ(archive->find(".")->mode & 0170000, 040000u);
}

// Headers in two halves; then the name, the contents and their padding. The last NUL is the literal's own.
constexpr char kConstant[] =
    "070701000000010000818000000000000000000000000100000000"
    "00000002000000000000000000000000000000000000000200000000x\0"
    "hi\0\0"
    "070701000000010000000000000000000000000000000100000000"
    "00000000000000000000000000000000000000000000000B00000000TRAILER!!!\0"
    "\0\0";

constexpr std::uint64_t offset_of(std::string_view name) {
  const auto archive = Archive::parse(std::string_view(kConstant, sizeof kConstant));
  if (!archive) return 0;
  const auto entry = archive->find(name);
  return entry ? entry->offset.raw() : 1;
}
static_assert(offset_of("x") == 112, "reads at compile time");
static_assert(offset_of("y") == 1);

RC_GTEST_PROP(Newc, lists_and_finds_what_a_model_wrote, ()) {
  const auto letter = rc::gen::element('a', 'b', '/', '.', '!', '0');
  const auto names = rc::gen::nonEmpty(rc::gen::container<std::string>(letter));
  const auto files = *rc::gen::container<Files>(rc::gen::pair(names, rc::gen::arbitrary<std::string>()));
  std::string bytes;
  Files model;
  for (const auto& [name, contents] : files) {
    add_file(bytes, name, contents);
    std::string plain = name;
    while (plain.size() > 2 && plain.starts_with("./")) plain.erase(0, 2);
    model.emplace_back(plain, contents);
  }
  add_trailer(bytes);
  const auto archive = Archive::parse(std::string_view(bytes));
  RC_ASSERT(archive.has_value());
  RC_ASSERT(list(*archive) == model);
  for (const auto& [name, contents] : model) {
    const auto first =
        std::find_if(model.begin(), model.end(), [&](const auto& file) { return file.first == name; });
    RC_ASSERT(archive->find(name)->contents == first->second);
  }
  RC_ASSERT(archive->find("another").error() == Error::NotFound);
}

RC_GTEST_PROP(Newc, overwritten_bytes_never_lead_outside, ()) {
  std::string bytes;
  add_file(bytes, "a", "12345");
  add_file(bytes, "./b/c", std::string(70, 'x'));
  add_trailer(bytes);
  const auto edits = *rc::gen::container<std::vector<std::pair<std::size_t, char>>>(
      rc::gen::pair(rc::gen::inRange<std::size_t>(0, bytes.size()),
                    rc::gen::oneOf(rc::gen::element('0', '1', 'F', '8', '\0'), rc::gen::arbitrary<char>())));
  for (const auto& [at, value] : edits) bytes[at] = value;
  const std::vector<char> exact(bytes.begin(), bytes.end());  // ASan guards its end
  const auto archive = Archive::parse(std::string_view(exact.data(), exact.size()));
  if (!archive) return;
  for (const Entry& entry : *archive) {
    RC_ASSERT(!entry.name.empty() && entry.name.find('\0') == entry.name.npos);
    RC_ASSERT(entry.offset.raw() <= exact.size() &&
              entry.contents.size() <= exact.size() - entry.offset.raw());
    RC_ASSERT(entry.contents.data() == exact.data() + entry.offset.raw());
  }
}

}  // namespace
}  // namespace fb::core::archive

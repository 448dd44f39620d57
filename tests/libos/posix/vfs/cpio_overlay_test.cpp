#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/archive/newc.hpp"
#include "libos/posix/vfs/cpio.hpp"
#include "libos/posix/vfs/cpio_writer.hpp"
#include "libos/posix/vfs/operations.hpp"
#include "tests/libos/posix/vfs/cpio_builder.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

constexpr std::uint32_t kFile = mode::kRegular | 0644, kDir = mode::kDirectory | 0755,
                        kLink = mode::kSymlink | 0777;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

class TextOutput final : public Output {
 public:
  Answer<> put(std::span<const std::byte> bytes) override {
    if (text.size() + bytes.size() > most) return fail(Errno::Restart);
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  std::string text;
  std::size_t most = ~std::size_t{0};
};

struct Overlay : testing::Test {
  Answer<> put(std::initializer_list<Member> members) {
    return overlay_cpio(place(), bytes_of(archive_of(members)));
  }
  [[nodiscard]] Place place() const {
    return {.root = volume.root, .directory = volume.root, .who = {}, .mounts = mounts};
  }
  Ref<Inode> at(std::string_view path) { return resolve(place(), path, false).value(); }

  Volume volume;
  Mounts mounts;
};

TEST_F(Overlay, files_replace_what_is_there_and_folders_stay_as_they_are_C4_18) {
  ASSERT_TRUE(put({{.name = "tmp", .mode = mode::kDirectory | 01777, .uid = 3},
                   {.name = "tmp/a", .mode = kFile, .contents = "old contents"},
                   {.name = "tmp/l", .mode = kLink, .contents = "a"}}));
  ASSERT_TRUE(put({{.name = "tmp", .mode = kDir},
                   {.name = "tmp/a", .mode = mode::kRegular | 0755, .contents = "new"},
                   {.name = "tmp/l", .mode = kFile, .contents = "a file"}}));
  EXPECT_EQ(at("tmp")->attributes().mode, mode::kDirectory | 01777);
  EXPECT_EQ(at("tmp")->attributes().uid, 3U);
  EXPECT_EQ(read(*at("tmp/a")), "new");
  EXPECT_EQ(at("tmp/a")->attributes().mode, mode::kRegular | 0755);
  EXPECT_EQ(read(*at("tmp/l")), "a file") << "the link is replaced, not followed";
}

TEST_F(Overlay, missing_folders_are_made_and_links_to_folders_are_followed_C4_18) {
  ASSERT_TRUE(put({{.name = "usr", .mode = kDir},
                   {.name = "usr/bin", .mode = kDir},
                   {.name = "bin", .mode = kLink, .contents = "usr/bin"}}));
  ASSERT_TRUE(put({{.name = "/bin/x", .mode = kFile, .contents = "x"},
                   {.name = "bin", .mode = kDir},
                   {.name = "//deep/er/y", .mode = kFile, .contents = "y"},
                   {.name = "bin/tools/", .mode = kDir}}));
  EXPECT_TRUE(at("bin")->is(mode::kSymlink));
  EXPECT_EQ(read(*at("usr/bin/x")), "x");
  EXPECT_TRUE(at("usr/bin/tools")->is_directory());
  EXPECT_EQ(read(*at("deep/er/y")), "y");
  EXPECT_EQ(at("deep/er")->attributes().mode, kDir);
}

TEST_F(Overlay, what_cannot_be_is_refused_C4_18) {
  ASSERT_TRUE(put({{.name = "d", .mode = kDir},
                   {.name = "f", .mode = kFile},
                   {.name = "d/l", .mode = kLink, .contents = "l"}}));
  EXPECT_EQ(error_of(put({{.name = "d", .mode = kFile}})), Errno::IsDirectory);
  EXPECT_EQ(error_of(put({{.name = "f/x", .mode = kFile}})), Errno::NotDirectory);
  EXPECT_EQ(error_of(put({{.name = "d/..", .mode = kDir}})), Errno::Invalid);
  EXPECT_EQ(error_of(put({{.name = "d/l/x", .mode = kFile}})), Errno::Loop);
  EXPECT_EQ(error_of(put({{.name = std::string(256, 'n'), .mode = kFile}})), Errno::NameTooLong);
  EXPECT_EQ(error_of(overlay_cpio(place(), bytes_of("no archive"))), Errno::Invalid);
  EXPECT_TRUE(put({{.name = ".", .mode = kDir}})) << "the root itself stays";
}

TEST_F(Overlay, nothing_leads_out_of_the_root_C4_18) {
  ASSERT_TRUE(put({{.name = "up", .mode = kLink, .contents = "../../.."},
                   {.name = "up/x", .mode = kFile, .contents = "in"}}));
  EXPECT_EQ(read(*at("x")), "in") << "above the root is the root";
}

TEST_F(Overlay, what_was_written_is_read_C4_18) {
  const std::string big(70'000, 'b');
  ASSERT_TRUE(
      put({{.name = "d", .mode = mode::kDirectory | 0750, .gid = 4, .modified = 5},
           {.name = "d/big", .mode = mode::kRegular | 04711, .contents = big, .uid = 1, .modified = 6},
           {.name = "d/e", .mode = kDir},
           {.name = "d/e/empty", .mode = kFile},
           {.name = "d/l", .mode = kLink, .contents = "../else where"},
           {.name = "d/null", .mode = mode::kCharacter | 0666, .major = 0x123, .minor = 0x45678},
           {.name = "d/p", .mode = mode::kFifo | 0600}}));
  TextOutput out;
  ASSERT_TRUE(write_cpio(at("d"), out));
  EXPECT_EQ(out.text.size() % 4, 0U) << "another may follow";
  Volume other;
  const auto copy = tmpfs_from_cpio(other.frames, other.clock, 9, bytes_of(out.text), {}).value();
  const Place there{.root = copy->root(), .directory = copy->root(), .who = {}, .mounts = mounts};
  const auto find = [&](std::string_view path) { return resolve(there, path, false).value(); };
  EXPECT_EQ(copy->root()->attributes().mode, mode::kDirectory | 0750);
  EXPECT_EQ(copy->root()->attributes().gid, 4U);
  EXPECT_EQ(read(*find("big")), big);
  EXPECT_EQ(find("big")->attributes().mode, mode::kRegular | 04711);
  EXPECT_EQ(find("big")->attributes().uid, 1U);
  EXPECT_EQ(find("big")->attributes().modified, core::Nanoseconds(6'000'000'000));
  EXPECT_EQ(read(*find("e/empty")), "");
  EXPECT_EQ(find("l")->readlink().value(), "../else where");
  EXPECT_EQ(find("null")->attributes().rdev, make_device(0x123, 0x45678));
  EXPECT_TRUE(find("p")->is(mode::kFifo));
}

TEST_F(Overlay, one_file_alone_is_called_a_dot_C4_18) {
  ASSERT_TRUE(put({{.name = "f", .mode = kFile, .contents = "contents"}}));
  TextOutput out, nothing;
  ASSERT_TRUE(write_cpio(at("f"), out));
  const auto parsed = core::archive::Archive::parse(bytes_of(out.text)).value();
  EXPECT_EQ(parsed.begin()->name, ".");
  EXPECT_EQ(parsed.begin()->contents, "contents");
  ASSERT_TRUE(write_empty_cpio(nothing));
  EXPECT_TRUE(core::archive::Archive::parse(bytes_of(nothing.text)).value().begin() ==
              core::archive::Archive::End{});
}

TEST_F(Overlay, a_reader_that_is_gone_ends_it_C4_18) {
  ASSERT_TRUE(put({{.name = "d/f", .mode = kFile, .contents = std::string(5000, 'x')}}));
  for (const std::size_t most : {0U, 50U, 115U, 200U, 3000U}) {
    TextOutput out;
    out.most = most;
    EXPECT_EQ(error_of(write_cpio(volume.root, out)), Errno::Restart) << most;
  }
}

TEST_F(Overlay, a_path_that_is_too_long_is_said_and_not_cut_C4_18) {
  Ref<Inode> deep = volume.root;
  for (int i = 0; i != 20; ++i) deep = deep->create(std::string(255, 'd'), directory()).value();
  TextOutput out;
  EXPECT_EQ(error_of(write_cpio(volume.root, out)), Errno::NameTooLong);
}

RC_GTEST_PROP(CpioWriter, any_tree_comes_back, ()) {
  Volume volume, other;
  const Mounts mounts;
  std::vector<Ref<Inode>> folders{volume.root};
  for (int i = 0; i != 30; ++i) {
    const Ref<Inode> in = folders[*rc::gen::inRange<std::size_t>(0, folders.size())];
    const std::string name = "n" + std::to_string(i);
    if (*rc::gen::arbitrary<bool>()) {
      folders.push_back(in->create(name, directory()).value());
    } else {
      const auto file = in->create(name, regular()).value();
      const auto size = *rc::gen::inRange<std::size_t>(0, 9000);
      RC_ASSERT(write(*file, 0, std::string(size, static_cast<char>('a' + i))).value() == size);
    }
  }
  TextOutput first, second;
  RC_ASSERT(write_cpio(volume.root, first).has_value());
  const auto copy = tmpfs_from_cpio(other.frames, other.clock, 9, bytes_of(first.text), {}).value();
  RC_ASSERT(write_cpio(copy->root(), second).has_value());
  RC_ASSERT(first.text == second.text);
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test

#include "libos/posix/vfs/cpio.hpp"

#include <gtest/gtest.h>

#include "libos/posix/vfs/path.hpp"
#include "tests/libos/posix/vfs/cpio_builder.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

constexpr std::uint32_t kFile = mode::kRegular | 0644, kDir = mode::kDirectory | 0755,
                        kLink = mode::kSymlink | 0777;

struct Cpio : testing::Test {
  explicit Cpio(std::uint32_t pages = 64) : frames_(source_, pages) {}
  Answer<Ref<Tmpfs>> make(std::string_view bytes) {
    return tmpfs_from_cpio(frames_, clock_, 7, std::as_bytes(std::span(bytes)), {});
  }
  Errno error(std::initializer_list<Member> members) { return error_of(make(archive_of(members))); }
  Ref<Inode> at(std::string_view path) {
    const Mounts mounts;
    const Place place{.root = tmpfs_->root(), .directory = tmpfs_->root(), .who = {}, .mounts = mounts};
    return resolve(place, path, false).value();
  }
  posix::test::MemorySource source_;
  Frames frames_;
  StepClock clock_;
  Ref<Tmpfs> tmpfs_;
};
struct CpioInTwoFrames : Cpio {
  CpioInTwoFrames() : Cpio(2) {}
};

TEST_F(Cpio, files_directories_links_and_devices_are_as_the_archive_says_C4_18) {
  const std::string big(10'000, 'b');
  tmpfs_ =
      make(archive_of({{.name = ".", .mode = mode::kDirectory | 0700, .modified = 9},
                       {.name = "etc", .mode = mode::kDirectory | 02755, .gid = 4, .modified = 5},
                       {.name = "./etc/passwd", .mode = kFile, .contents = "root", .uid = 1, .modified = 6},
                       {.name = "/big", .mode = mode::kRegular | 04711, .contents = big},
                       {.name = "lib", .mode = kLink, .contents = "usr/lib"},
                       {.name = "null", .mode = mode::kCharacter | 0666, .major = 1, .minor = 3},
                       {.name = "pipe", .mode = mode::kFifo | 0600}}))
          .value();
  EXPECT_EQ(at("/")->attributes().mode, mode::kDirectory | 0700);
  EXPECT_EQ(at("etc")->attributes().modified, core::Nanoseconds(5'000'000'000));
  EXPECT_EQ(at("etc/passwd")->attributes().uid, 1U);
  EXPECT_EQ(at("etc/passwd")->attributes().gid, 0U)
      << "as it says, not as the directory's group would have it";
  EXPECT_EQ(at("etc/passwd")->attributes().modified, core::Nanoseconds(6'000'000'000));
  EXPECT_EQ(read(*at("etc/passwd")), "root");
  EXPECT_EQ(read(*at("big")), big);
  EXPECT_EQ(at("big")->attributes().mode, mode::kRegular | 04711);
  EXPECT_EQ(at("lib")->readlink().value(), "usr/lib");
  EXPECT_EQ(at("null")->attributes().rdev, make_device(1, 3));
  EXPECT_TRUE(at("pipe")->is(mode::kFifo));
}

TEST_F(Cpio, what_is_refused_is_named_C4_01) {
  std::string_view fault = "old";
  const auto refuse = [&](std::string_view bytes) {
    const auto archive = std::as_bytes(std::span(bytes));
    return error_of(tmpfs_from_cpio(frames_, clock_, 7, archive, {}, &fault));
  };
  const std::string up = archive_of({{.name = "a", .mode = kFile}, {.name = "../x", .mode = kFile}});
  EXPECT_EQ(refuse(up), Errno::Invalid);
  EXPECT_EQ(fault, "../x");
  EXPECT_EQ(refuse(std::string_view(up).substr(0, up.size() - 8)), Errno::Invalid);
  EXPECT_EQ(fault, "") << "it is the archive as a whole";
}

TEST_F(Cpio, hard_links_are_one_file_wherever_the_contents_are_C4_18) {
  tmpfs_ = make(archive_of({{.name = "a", .mode = kFile, .inode = 3, .links = 2},
                            {.name = "b", .mode = kFile, .contents = "both", .inode = 3, .links = 2},
                            {.name = "c", .mode = kFile, .contents = "first", .inode = 4, .links = 2},
                            {.name = "d", .mode = kFile, .inode = 4, .links = 2},
                            {.name = "e", .mode = kFile, .inode = 4, .links = 1}}))
               .value();
  EXPECT_EQ(at("a"), at("b"));
  EXPECT_EQ(read(*at("a")), "both");
  EXPECT_EQ(at("c"), at("d"));
  EXPECT_EQ(read(*at("d")), "first");
  EXPECT_EQ(at("c")->attributes().links, 2U);
  EXPECT_NE(at("e"), at("c"));
}

TEST_F(Cpio, nothing_leads_out_of_the_tree_C4_18) {
  EXPECT_EQ(error({{.name = "../x", .mode = kFile}}), Errno::Invalid);
  EXPECT_EQ(error({{.name = "d", .mode = kDir}, {.name = "d/../../x", .mode = kFile}}), Errno::Invalid);
  EXPECT_EQ(error({{.name = "l", .mode = kLink, .contents = "/"}, {.name = "l/x", .mode = kFile}}),
            Errno::NotDirectory);
  EXPECT_EQ(error({{.name = "f", .mode = kFile, .contents = "x"}, {.name = "f/x", .mode = kFile}}),
            Errno::NotDirectory);
  EXPECT_EQ(frames_.used(), 0U);
}

TEST_F(Cpio, what_is_wrong_is_refused_and_leaves_nothing_C4_18) {
  const Member good{.name = "f", .mode = kFile, .contents = "contents"};
  EXPECT_EQ(error({good, {.name = "f", .mode = kFile}}), Errno::Exists);
  EXPECT_EQ(error({good, {.name = "f", .mode = kDir}}), Errno::Exists);
  EXPECT_EQ(error({good, {.name = ".", .mode = kFile}}), Errno::Exists);
  EXPECT_EQ(error({good, {.name = "none/f", .mode = kFile}}), Errno::NoEntry);
  EXPECT_EQ(error({good, {.name = "g/", .mode = kFile}}), Errno::Invalid);
  EXPECT_EQ(error({good, {.name = "g", .mode = 0}}), Errno::Invalid);
  EXPECT_EQ(error({good, {.name = "g", .mode = kLink}}), Errno::Invalid);
  EXPECT_EQ(error({good, {.name = "g", .mode = kLink, .contents = {"a\0b", 3}}}), Errno::Invalid);
  EXPECT_EQ(error({good, {.name = "g", .mode = mode::kFifo, .contents = "x"}}), Errno::Invalid);
  EXPECT_EQ(error({good, {.name = std::string(256, 'n'), .mode = kFile}}), Errno::NameTooLong);
  EXPECT_EQ(error({{.name = "a", .mode = kFile, .inode = 3, .links = 2},
                   {.name = "b", .mode = mode::kFifo, .inode = 3, .links = 2}}),
            Errno::Invalid);
  EXPECT_EQ(frames_.used(), 0U);
}

TEST_F(Cpio, a_truncated_archive_is_refused_wherever_it_ends_C4_18) {
  const std::string whole =
      archive_of({{.name = "d", .mode = kDir}, {.name = "d/f", .mode = kFile, .contents = "12345"}});
  EXPECT_TRUE(make(whole).has_value());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(error_of(make({whole.data(), size})), Errno::Invalid) << size;
  }
  EXPECT_EQ(frames_.used(), 0U);
}

TEST_F(CpioInTwoFrames, what_does_not_fit_is_ENOSPC_and_leaves_nothing_C4_18) {
  EXPECT_EQ(error({{.name = "f", .mode = kFile, .contents = std::string(8193, 'x')}}), Errno::NoSpace);
  EXPECT_EQ(frames_.used(), 0U);
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test

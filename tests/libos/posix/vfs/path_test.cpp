#include "libos/posix/vfs/path.hpp"

#include <gtest/gtest.h>

#include "libos/posix/vfs/operations.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

struct Path : testing::Test {
  Volume volume_;
  Mounts mounts_;
  Place place_{.root = volume_.root, .directory = volume_.root, .who = {}, .mounts = mounts_};

  Ref<Inode> make(std::string_view path, std::uint32_t mode = mode::kRegular | 0644) {
    return make_node(place_, path, mode).value();
  }
  Ref<Inode> make_directory(std::string_view path) { return make(path, mode::kDirectory | 0755); }
  void make_link(std::string_view path, std::string_view target) {
    ASSERT_TRUE(make_symlink(place_, path, target).has_value());
  }
  Errno error(std::string_view path, bool follow = true) { return error_of(resolve(place_, path, follow)); }
  Ref<Inode> at(std::string_view path, bool follow = true) { return resolve(place_, path, follow).value(); }
  Errno open_error(std::string_view path, std::uint32_t flags) {
    return error_of(open_inode(place_, path, flags, 0644));
  }
  std::string path_to(const Ref<Inode>& directory) {
    char room[kPathMax];
    const auto path = path_of(place_, directory, room);
    return path ? std::string(*path) : spelling_of(path.error());
  }
};

TEST_F(Path, dots_and_slashes_lead_where_they_say_C4_18) {
  const auto a = make_directory("a");
  const auto b = make_directory("a/b");
  EXPECT_EQ(at("/"), volume_.root);
  EXPECT_EQ(at("//a///b//"), b);
  EXPECT_EQ(at("a/./b/.."), a);
  EXPECT_EQ(at("../../a"), a);
  EXPECT_EQ(at("."), volume_.root);
  place_.directory = b;
  EXPECT_EQ(at(".."), a);
  EXPECT_EQ(at("../../.."), volume_.root);
  EXPECT_EQ(error(""), Errno::NoEntry);
  EXPECT_EQ(error("c/d"), Errno::NoEntry);
}

TEST_F(Path, a_root_is_not_left_by_dot_dot_C4_18) {
  const auto a = make_directory("a");
  const auto b = make_directory("a/b");
  place_.root = a;
  place_.directory = b;
  EXPECT_EQ(at("../../.."), a);
  EXPECT_EQ(at("/b"), b);
  EXPECT_EQ(path_to(b), "/b");
  EXPECT_EQ(path_to(a), "/");
  EXPECT_EQ(path_to(volume_.root), "ENOENT");
}

TEST_F(Path, a_slash_behind_a_file_is_ENOTDIR_C4_18) {
  make("f");
  make_directory("d");
  make_link("lf", "f");
  make_link("ld", "d");
  EXPECT_EQ(error("f/"), Errno::NotDirectory);
  EXPECT_EQ(error("f/."), Errno::NotDirectory);
  EXPECT_EQ(error("f/.."), Errno::NotDirectory);
  EXPECT_EQ(error("lf/", false), Errno::NotDirectory);
  EXPECT_EQ(at("ld/", false), at("d"));
  EXPECT_TRUE(at("ld", false)->is(mode::kSymlink));
  make_link("ls", "f/");
  EXPECT_EQ(error("ls"), Errno::NotDirectory);
}

TEST_F(Path, symbolic_links_are_followed_40_deep_and_then_ELOOP_C4_18) {
  const auto file = make("f");
  std::string name = "f";
  for (int i = 1; i <= 41; ++i) {
    const std::string next = "l" + std::to_string(i);
    make_link(next, name);
    name = next;
  }
  EXPECT_EQ(at("l40"), file);
  EXPECT_EQ(error("l41"), Errno::Loop);
  make_link("self", "self/x");
  EXPECT_EQ(error("self"), Errno::Loop);
}

TEST_F(Path, links_in_the_middle_go_on_from_where_they_are_C4_18) {
  make_directory("a");
  make_directory("a/b");
  const auto file = make("a/b/f");
  make_link("a/up", "..//a/b/");
  make_link("a/root", "/");
  make_link("rel", "a/up");
  EXPECT_EQ(at("rel/f"), file);
  EXPECT_EQ(at("a/root/a/up/f"), file);
  EXPECT_EQ(at("a/root"), volume_.root);
  EXPECT_EQ(at("rel/../up/./f"), file);
}

TEST_F(Path, long_names_and_paths_are_ENAMETOOLONG_C4_18) {
  EXPECT_EQ(error(std::string(255, 'n')), Errno::NoEntry);
  EXPECT_EQ(error(std::string(256, 'n')), Errno::NameTooLong);
  std::string path(4095, '/');
  EXPECT_EQ(at(path), volume_.root);
  path += '/';
  EXPECT_EQ(error(path), Errno::NameTooLong);
  EXPECT_EQ(error_of(make_symlink(place_, "l", std::string(4096, 't'))), Errno::NameTooLong);
}

TEST_F(Path, mounts_cover_and_dot_dot_crosses_them_C4_18) {
  const auto a = make_directory("a");
  make("a/covered");
  Volume inner(64, {}, 8);
  const Ref<FileSystem> system = inner.tmpfs;
  ASSERT_TRUE(mounts_.mount(a, system).has_value());
  EXPECT_EQ(at("a"), inner.root);
  EXPECT_EQ(error("a/covered"), Errno::NoEntry);
  const auto sub = make_directory("a/sub");
  EXPECT_EQ(sub->attributes().device, 8U);
  EXPECT_EQ(at("a/.."), volume_.root);
  EXPECT_EQ(path_to(sub), "/a/sub");
  EXPECT_EQ(path_to(inner.root), "/a");
  EXPECT_EQ(error_of(mounts_.mount(volume_.root, system)), Errno::Busy);
  EXPECT_EQ(error_of(remove_directory(place_, "a")), Errno::Busy);
  EXPECT_EQ(error_of(rename(place_, "a", place_, "b", 0)), Errno::Busy);
  make("f");
  EXPECT_EQ(error_of(rename(place_, "f", place_, "a/f", 0)), Errno::CrossDevice);
  EXPECT_EQ(error_of(link(place_, at("f"), "a/f")), Errno::CrossDevice);
  Volume third(64, {}, 9);
  ASSERT_TRUE(mounts_.mount(sub, third.tmpfs).has_value());
  EXPECT_EQ(error_of(mounts_.unmount(*inner.root)), Errno::Busy);
  ASSERT_TRUE(mounts_.unmount(*third.root).has_value());
  ASSERT_TRUE(mounts_.unmount(*inner.root).has_value());
  EXPECT_EQ(error_of(mounts_.unmount(*inner.root)), Errno::Invalid);
  EXPECT_EQ(at("a"), a);
}

TEST_F(Path, a_working_directory_that_was_removed_has_no_path_C4_18) {
  const auto a = make_directory("a");
  place_.directory = a;
  ASSERT_TRUE(remove_directory(place_, "../a").has_value());
  EXPECT_EQ(path_to(a), "ENOENT");
  EXPECT_EQ(at(".."), volume_.root);
  EXPECT_EQ(at("."), a);
  EXPECT_EQ(open_error("f", flag::kCreate | flag::kWrite), Errno::NoEntry);
  char room[4];
  make_directory("/long");
  EXPECT_EQ(error_of(path_of(place_, at("/long"), room)), Errno::Range);
}

/// As /proc has them: to a file, and not to a path.
struct Jump final : Inode {
  Jump(const Target& to, std::uint32_t uid)
      : Inode({.device = 7, .inode = 99, .mode = mode::kSymlink | 0777, .uid = uid, .links = 1}), to_(to) {}
  Answer<bool> jump(Target& to) override {
    to = to_;
    return to_.inode ? Answer<bool>(true) : fail(Errno::NoEntry);
  }
  Target to_;
};
/// A directory with one such link in it.
struct JumpDirectory final : Inode {
  explicit JumpDirectory(const Ref<Jump>& jump)
      : Inode({.device = 7, .inode = 98, .mode = mode::kDirectory | 0755, .links = 1}), jump_(jump) {}
  Answer<Ref<Inode>> lookup(std::string_view name) override {
    return name == "j" ? Answer<Ref<Inode>>(jump_) : fail(Errno::NoEntry);
  }
  Ref<Jump> jump_;
};

TEST_F(Path, links_to_files_are_followed_by_their_owner_and_root_C4_18) {
  make("f");
  const auto sub = make_directory("sub");
  const auto to_file = make_shared<Jump>(locate(place_, "f").value(), 5U).value();
  place_.directory = make_shared<JumpDirectory>(to_file).value();
  EXPECT_EQ(at("j"), at("/f"));
  EXPECT_EQ(at("j", false), Ref<Inode>(to_file));
  EXPECT_EQ(error("j/"), Errno::NotDirectory);
  EXPECT_EQ(error("j/x"), Errno::NotDirectory);
  EXPECT_EQ(open_inode(place_, "j", flag::kRead, 0).value().origin->name(), "f");
  EXPECT_EQ(open_error("j", flag::kNoFollow), Errno::Loop);
  EXPECT_EQ(open_error("j", flag::kCreate | flag::kExclusive), Errno::Exists);
  to_file->to_ = {.inode = sub, .origin = {}};
  EXPECT_EQ(at("j/.."), volume_.root);
  EXPECT_EQ(at("j/."), sub);
  place_.who.uid = 5;
  EXPECT_EQ(error("j"), Errno{});
  place_.who.uid = 6;
  EXPECT_EQ(error("j"), Errno::Access);
  EXPECT_EQ(error("j", false), Errno{});
  place_.who.uid = 0;
  to_file->to_ = {};
  EXPECT_EQ(error("j"), Errno::NoEntry) << "what it led to is gone";
  to_file->to_ = {.inode = to_file, .origin = {}};
  EXPECT_EQ(open_error("j", flag::kRead), Errno::Loop) << "it leads to itself";
  to_file->to_ = {};
}

TEST_F(Path, files_are_named_by_how_they_were_found_C4_18) {
  make_directory("d");
  make("d/f");
  make_link("l", "d/f");
  const auto named = [&](const Target& target) {
    char room[64];
    const auto path = path_of(place_, target, room);
    return path ? std::string(*path) : spelling_of(path.error());
  };
  const auto file = locate(place_, "l").value();
  EXPECT_EQ(named(file), "/d/f");
  EXPECT_EQ(named(locate(place_, "d/..").value()), "/");
  EXPECT_EQ(named({.inode = file.inode, .origin = {}}), "ENOENT");
  ASSERT_TRUE(rename(place_, "d", place_, "e", 0).has_value());
  EXPECT_EQ(named(file), "/e/f");
  ASSERT_TRUE(rename(place_, "e/f", place_, "e/g", 0).has_value());
  EXPECT_EQ(named(file), "/e/g");
  ASSERT_TRUE(rename(place_, "e/g", place_, "g", 0).has_value());
  EXPECT_EQ(named(file), "/e/f") << "where it went is not known, only that it is somewhere";
  ASSERT_TRUE(unlink(place_, "g").has_value());
  EXPECT_EQ(named(file), "/e/f (deleted)");
  ASSERT_TRUE(remove_directory(place_, "e").has_value());
  EXPECT_EQ(named(file), "/f (deleted)");
  const auto top = make("top");
  EXPECT_EQ(named(locate(place_, "top").value()), "/top");
  const auto long_one = make_directory(std::string(60, 'n'));
  make(std::string(60, 'n') + "/file");
  EXPECT_EQ(named(locate(place_, std::string(60, 'n') + "/file").value()), "ERANGE");
}

TEST_F(Path, mounts_know_the_root_and_who_holds_a_file_C4_18) {
  EXPECT_EQ(mounts_.holder(*volume_.root), nullptr);
  ASSERT_TRUE(mounts_.set_root(volume_.tmpfs).has_value());
  const auto a = make_directory("a");
  Volume inner(64, {.pages = 8, .inodes = 10}, 8);
  ASSERT_TRUE(mounts_.mount(a, inner.tmpfs).has_value());
  EXPECT_EQ(mounts_.holder(*make("a/f"))->root, inner.root);
  EXPECT_EQ(mounts_.holder(*volume_.root)->root, volume_.root);
  EXPECT_EQ(mounts_.view()[0].number, 1U);
  EXPECT_EQ(mounts_.view()[1].number, 2U);
  EXPECT_EQ(error_of(mounts_.unmount(*volume_.root)), Errno::Invalid) << "the top stays";
  EXPECT_EQ(error_of(mounts_.mount(a, volume_.tmpfs)), Errno::Busy);
  EXPECT_EQ(at("a/.."), volume_.root);
  const auto statistics = inner.tmpfs->statistics();
  EXPECT_EQ(statistics.type, "tmpfs");
  EXPECT_EQ(statistics.blocks, 8U);
  EXPECT_EQ(statistics.files, 10U);
  EXPECT_EQ(statistics.free_files, 8U);
  ASSERT_TRUE(write(*at("a/f"), 0, "x").has_value());
  EXPECT_EQ(inner.tmpfs->statistics().free_blocks, 7U);
  ASSERT_TRUE(mounts_.unmount(*inner.root).has_value());
}

TEST_F(Path, permissions_are_of_the_owner_then_the_group_then_others_C4_18) {
  make_directory("d");
  make("d/f", mode::kRegular | 0640);
  at("d/f")->attributes().uid = 1;
  at("d/f")->attributes().gid = 2;
  const std::uint32_t groups[] = {9, 2};
  place_.who = {.uid = 5, .gid = 5, .groups = groups};
  EXPECT_EQ(open_error("d/f", flag::kRead), Errno{});
  EXPECT_EQ(open_error("d/f", flag::kWrite), Errno::Access);
  EXPECT_EQ(open_error("d/f", flag::kRead | flag::kTruncate), Errno::Access);
  place_.who.groups = {};
  EXPECT_EQ(open_error("d/f", flag::kRead), Errno::Access);
  at("d/f")->attributes().mode = mode::kRegular | 0077;
  place_.who.uid = 1;
  EXPECT_EQ(open_error("d/f", flag::kRead), Errno::Access) << "the owner is not one of the others";
  EXPECT_EQ(error_of(unlink(place_, "d/f")), Errno::Access);
  volume_.root->lookup("d").value()->attributes().mode = mode::kDirectory | 0644;
  EXPECT_EQ(error("d/f"), Errno::Access);
  EXPECT_EQ(error("d"), Errno{});
  place_.who = {};
  EXPECT_EQ(open_error("d/f", flag::kReadWrite), Errno{});
  at("d/f")->attributes().mode = mode::kRegular | 0666;
  EXPECT_EQ(error_of(check_access(at("d/f")->attributes(), {}, Want::Execute)), Errno::Access);
}

TEST_F(Path, a_sticky_directory_lets_only_owners_remove_C4_18) {
  make_directory("tmp");
  at("tmp")->attributes().mode = mode::kDirectory | 01777;
  make("tmp/f");
  at("tmp/f")->attributes().uid = 1;
  place_.who = {.uid = 2, .gid = 2, .groups = {}};
  EXPECT_EQ(error_of(unlink(place_, "tmp/f")), Errno::Perm);
  EXPECT_EQ(error_of(rename(place_, "tmp/f", place_, "tmp/g", 0)), Errno::Perm);
  make("tmp/mine");
  EXPECT_EQ(error_of(rename(place_, "tmp/mine", place_, "tmp/f", 0)), Errno::Perm);
  place_.who.uid = 1;
  EXPECT_EQ(error_of(unlink(place_, "tmp/f")), Errno{});
}

TEST_F(Path, open_creates_opens_and_refuses_as_its_flags_say_C4_18) {
  make_directory("d");
  constexpr auto kCreate = flag::kCreate | flag::kWrite;
  const auto made = open_inode(place_, "d/f", kCreate, 0600).value();
  EXPECT_TRUE(made.created);
  EXPECT_EQ(made.inode->attributes().mode, mode::kRegular | 0600);
  EXPECT_FALSE(open_inode(place_, "d/f", kCreate, 0600).value().created);
  EXPECT_EQ(open_error("d/f", kCreate | flag::kExclusive), Errno::Exists);
  EXPECT_EQ(open_error("d", kCreate), Errno::IsDirectory);
  EXPECT_EQ(open_error("d/new/", kCreate), Errno::IsDirectory);
  EXPECT_EQ(open_error(".", kCreate), Errno::IsDirectory);
  EXPECT_EQ(open_error(".", kCreate | flag::kExclusive), Errno::Exists);
  EXPECT_EQ(open_error("d", flag::kWrite), Errno::IsDirectory);
  EXPECT_EQ(open_error("d/f", flag::kDirectory), Errno::NotDirectory);
  EXPECT_EQ(open_error("d", kCreate | flag::kDirectory), Errno::Invalid);
  EXPECT_EQ(open_error("none", flag::kRead), Errno::NoEntry);
  EXPECT_EQ(open_error("none/f", kCreate), Errno::NoEntry);
  ASSERT_TRUE(write(*made.inode, 0, "text").has_value());
  EXPECT_EQ(open_error("d/f", flag::kWrite | flag::kTruncate), Errno{});
  EXPECT_EQ(made.inode->attributes().size, 0U);
  make("s", mode::kSocket | 0777);
  EXPECT_EQ(open_error("s", flag::kRead), Errno::NoDeviceOrAddress);
}

TEST_F(Path, open_treats_links_as_its_flags_say_C4_18) {
  make_directory("d");
  make_link("dangling", "d/target");
  make_link("ld", "d");
  EXPECT_EQ(open_error("dangling", flag::kRead), Errno::NoEntry);
  EXPECT_EQ(open_error("dangling", flag::kWrite | flag::kCreate | flag::kExclusive), Errno::Exists);
  EXPECT_EQ(open_error("dangling", flag::kWrite | flag::kCreate | flag::kNoFollow), Errno::Loop);
  EXPECT_TRUE(open_inode(place_, "dangling", flag::kWrite | flag::kCreate, 0644).value().created);
  EXPECT_EQ(at("dangling"), at("d/target"));
  EXPECT_EQ(open_error("dangling", flag::kNoFollow), Errno::Loop);
  EXPECT_EQ(open_error("ld", flag::kNoFollow | flag::kDirectory), Errno::NotDirectory);
  EXPECT_EQ(open_error("ld/", flag::kNoFollow), Errno{});
  EXPECT_TRUE(open_inode(place_, "ld", flag::kPath | flag::kNoFollow, 0).value().inode->is(mode::kSymlink));
}

TEST_F(Path, creation_refuses_what_is_there_and_slashes_behind_files_C4_18) {
  make_directory("d/");
  EXPECT_EQ(error_of(make_node(place_, "d", mode::kDirectory | 0755)), Errno::Exists);
  EXPECT_EQ(error_of(make_node(place_, ".", mode::kDirectory | 0755)), Errno::Exists);
  EXPECT_EQ(error_of(make_node(place_, "/", mode::kDirectory | 0755)), Errno::Exists);
  EXPECT_EQ(error_of(make_node(place_, "d/..", mode::kDirectory | 0755)), Errno::Exists);
  EXPECT_EQ(error_of(make_node(place_, "f/", mode::kRegular | 0644)), Errno::NoEntry);
  EXPECT_EQ(error_of(make_symlink(place_, "l", "")), Errno::NoEntry);
  make_link("dangling", "nowhere");
  EXPECT_EQ(error_of(make_node(place_, "dangling", mode::kDirectory | 0755)), Errno::Exists);
  place_.who.uid = 1;
  EXPECT_EQ(error_of(make_node(place_, "n", mode::kCharacter | 0600, 259)), Errno::Access);
  volume_.root->attributes().mode |= 0777;
  EXPECT_EQ(error_of(make_node(place_, "n", mode::kCharacter | 0600, 259)), Errno::Perm);
  EXPECT_EQ(make("p", mode::kFifo | 0600)->attributes().uid, 1U);
}

TEST_F(Path, removal_refuses_dots_roots_and_the_wrong_kind_C4_18) {
  make_directory("d");
  make("f");
  make_link("ld", "d");
  EXPECT_EQ(error_of(unlink(place_, "d")), Errno::IsDirectory);
  EXPECT_EQ(error_of(unlink(place_, "f/")), Errno::NotDirectory);
  EXPECT_EQ(error_of(unlink(place_, "/")), Errno::IsDirectory);
  EXPECT_EQ(error_of(remove_directory(place_, "f")), Errno::NotDirectory);
  EXPECT_EQ(error_of(remove_directory(place_, "d/.")), Errno::Invalid);
  EXPECT_EQ(error_of(remove_directory(place_, "d/..")), Errno::NotEmpty);
  EXPECT_EQ(error_of(remove_directory(place_, "/")), Errno::Busy);
  EXPECT_EQ(error_of(remove_directory(place_, "ld/")), Errno::NotDirectory);
  EXPECT_EQ(error_of(remove_directory(place_, "d/")), Errno{});
  EXPECT_EQ(error_of(unlink(place_, "ld")), Errno{});
}

TEST_F(Path, rename_refuses_dots_and_slashes_behind_files_C4_18) {
  make_directory("d");
  make("f");
  EXPECT_EQ(error_of(rename(place_, "d/.", place_, "e", 0)), Errno::Busy);
  EXPECT_EQ(error_of(rename(place_, "f", place_, "g/", 0)), Errno::NotDirectory);
  EXPECT_EQ(error_of(rename(place_, "f/", place_, "g", 0)), Errno::NotDirectory);
  EXPECT_EQ(error_of(rename(place_, "none", place_, "g", 0)), Errno::NoEntry);
  EXPECT_EQ(error_of(rename(place_, "d", place_, "d/e", 0)), Errno::Invalid);
  EXPECT_EQ(error_of(rename(place_, "f", place_, "g", 8)), Errno::Invalid);
  EXPECT_EQ(error_of(rename(place_, "f", place_, "d", renaming::kNoReplace)), Errno::Exists);
  EXPECT_EQ(error_of(rename(place_, "d", place_, "e/", 0)), Errno{});
}

TEST_F(Path, owners_change_modes_and_root_changes_owners_C4_18) {
  const auto file = make("f");
  const Credentials owner{.uid = 3, .gid = 3, .groups = {}}, other{.uid = 4, .gid = 4, .groups = {}};
  constexpr auto kNow = core::Nanoseconds(1);
  ASSERT_TRUE(change_owner(*file, {}, 3, 3, kNow).has_value());
  ASSERT_TRUE(change_mode(*file, owner, 06755, kNow).has_value());
  EXPECT_EQ(file->attributes().mode, mode::kRegular | 06755);
  EXPECT_EQ(error_of(change_mode(*file, other, 0, kNow)), Errno::Perm);
  EXPECT_EQ(error_of(change_owner(*file, owner, 4, ~0U, kNow)), Errno::Perm);
  EXPECT_EQ(error_of(change_owner(*file, owner, ~0U, 4, kNow)), Errno::Perm);
  ASSERT_TRUE(change_owner(*file, owner, ~0U, 3, kNow).has_value());
  EXPECT_EQ(file->attributes().mode, mode::kRegular | 0755) << "and the set-id bits go";
  EXPECT_EQ(error_of(truncate(*file, other, 0)), Errno::Access);
  EXPECT_EQ(error_of(truncate(*volume_.root, {}, 0)), Errno::IsDirectory);
}

TEST_F(Path, set_id_bits_go_with_the_contents_and_are_not_made_for_other_groups_C4_18) {
  const auto program = make("p", mode::kRegular | 06777);
  ASSERT_TRUE(truncate(*program, {}, 1).has_value());
  EXPECT_EQ(program->attributes().mode, mode::kRegular | 06777) << "root keeps them";
  ASSERT_TRUE(truncate(*program, {.uid = 1, .gid = 1, .groups = {}}, 0).has_value());
  EXPECT_EQ(program->attributes().mode, mode::kRegular | 0777);
  make_directory("d");
  at("d")->attributes().mode = mode::kDirectory | 02777;
  at("d")->attributes().gid = 9;
  place_.who = {.uid = 1, .gid = 1, .groups = {}};
  EXPECT_EQ(make("d/p", mode::kRegular | 02755)->attributes().mode, mode::kRegular | 0755);
  EXPECT_EQ(at("d/p")->attributes().gid, 9U);
  place_.who.gid = 9;
  EXPECT_EQ(make("d/q", mode::kRegular | 02755)->attributes().mode, mode::kRegular | 02755);
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test

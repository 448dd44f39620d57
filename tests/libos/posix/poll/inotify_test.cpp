// inotify: against the host's kernel with random programs, and what that cannot be asked for.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "libos/posix/vfs/open.hpp"
#include "libos/posix/vfs/operations.hpp"
#include "tests/libos/posix/poll/fixture.hpp"

namespace fb::libos::posix::poll::test {
namespace {

using vfs::flag::kReadWrite;

/// One event as text; of a cookie only whether there is one.
std::string spell(const inotify::Record& head, std::string_view name) {
  return std::to_string(head.watch) + ' ' + std::to_string(head.mask) + (head.cookie != 0 ? " tied " : " ") +
         std::string(name);
}

std::vector<std::string> spell_all(std::string_view bytes) {
  std::vector<std::string> all;
  while (!bytes.empty()) {
    inotify::Record head;
    __builtin_memcpy(&head, bytes.data(), sizeof(head));
    const std::string_view name = bytes.substr(sizeof(head), head.length);
    all.push_back(spell(head, name.substr(0, name.find('\0'))));
    bytes.remove_prefix(sizeof(head) + head.length);
  }
  return all;
}

/// File operations here, as the calls do them.
struct Tree : World {
  class NoDevices final : public vfs::Devices {
    Answer<Ref<vfs::File>> open(const Ref<vfs::Inode>&, std::uint32_t) override {
      return fail(Errno::NoDevice);
    }
  };
  NoDevices devices;
  vfs::Mounts mounts;
  vfs::Place place{.root = volume.root, .directory = volume.root, .who = {}, .mounts = mounts};
  Descriptor watcher = add(make_inotify(services, vfs::flag::kNonBlock).value());

  Inotify& its() { return *vfs::file_as<Inotify>(file(watcher)); }
  Answer<Ref<vfs::File>> open(const std::string& path, std::uint32_t flags) {
    FB_ASSIGN(auto opened, vfs::open_inode(place, path, flags, 0644));
    FB_ASSIGN(const auto made, vfs::open_file(opened, flags, devices, volume.frames, none));
    made->note_open();
    if (opened.truncated) made->note(vfs::notice::kModify);
    return made;
  }
  Answer<std::int32_t> watch(const std::string& path, std::uint32_t mask) {
    FB_ASSIGN(const auto inode, vfs::resolve(place, path, true));
    return its().add(*inode, mask);
  }
  std::vector<std::string> events() { return spell_all(read(watcher, 4'096).value_or("")); }
};

/// The same there.
class Host {
 public:
  Host() {
    std::string pattern =
        std::filesystem::exists("/dev/shm") ? "/dev/shm/inotifyXXXXXX" : "/tmp/inotifyXXXXXX";
    root_ = mkdtemp(pattern.data());
    watcher_ = inotify_init1(IN_NONBLOCK);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host() {
    for (const int file : files) {
      if (file >= 0) ::close(file);
    }
    ::close(watcher_);
    std::filesystem::remove_all(root_);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return root_ + name; }
  [[nodiscard]] int watch(const std::string& name, std::uint32_t mask) const {
    return inotify_add_watch(watcher_, path(name).c_str(), mask);
  }
  [[nodiscard]] int unwatch(int number) const { return inotify_rm_watch(watcher_, number); }
  [[nodiscard]] std::vector<std::string> events() const {
    std::string bytes(4'096, 0);
    const auto count = ::read(watcher_, bytes.data(), bytes.size());
    return spell_all(std::string_view(bytes).substr(0, count < 0 ? 0 : static_cast<std::size_t>(count)));
  }
  std::array<int, 3> files{-1, -1, -1};

 private:
  std::string root_;
  int watcher_;
};

class Pair {
 public:
  Pair() {
    for (const char* name : {"/d", "/e"}) {
      static_cast<void>(vfs::make_node(ours.place, name, vfs::mode::kDirectory | 0755));
      mkdir(host.path(name).c_str(), 0755);
    }
  }
  static std::string name(std::uint32_t which) {
    constexpr std::array kNames{"/d/a", "/d/b", "/e/a", "/e/b", "/d/s"};
    return kNames[which % kNames.size()];
  }
  [[nodiscard]] bool some_open() const { return open_ != 0; }

  void open(std::size_t slot, const std::string& path, std::uint32_t flags) {
    if (files[slot]) return;
    auto made = ours.open(path, flags);
    host.files[slot] = ::open(host.path(path).c_str(), static_cast<int>(flags), 0644);
    RC_ASSERT(made.has_value() == (host.files[slot] >= 0));
    if (!made) return;
    files[slot] = *made;
    ++open_;
  }
  void close(std::size_t slot) {
    if (!files[slot]) return;
    files[slot].reset();
    ::close(std::exchange(host.files[slot], -1));
    --open_;
  }
  void write(std::size_t slot) {
    if (!files[slot]) return;
    vfs::BytesInput in(std::as_bytes(std::span("x", 1)));
    RC_ASSERT(files[slot]->write(in, 1, ours.none).has_value() == (::write(host.files[slot], "x", 1) == 1));
  }
  void read(std::size_t slot) {
    if (!files[slot]) return;
    std::array<std::byte, 8> room;
    vfs::BytesOutput out(room);
    static_cast<void>(files[slot]->seek(0, vfs::Whence::Set));
    lseek(host.files[slot], 0, SEEK_SET);
    const auto done = files[slot]->read(out, room.size(), ours.none);
    RC_ASSERT(static_cast<long>(done.value_or(0)) ==
              std::max(0L, ::read(host.files[slot], room.data(), room.size())));
  }
  void both(const Answer<>& done, int linux) { RC_ASSERT(done.has_value() == (linux == 0)); }

  Tree ours;
  Host host;
  std::array<Ref<vfs::File>, 3> files;
  bool has_links = false;  ///< a file may have two names

 private:
  int open_ = 0;
};

void change(Pair& pair, std::uint32_t what, const std::string& from, const std::string& to) {
  auto& place = pair.ours.place;
  const std::string host_from = pair.host.path(from), host_to = pair.host.path(to);
  switch (what) {
    case 0:
      // Linux tells the end of a file that is open by a name that is gone already when the last name goes, this when it is closed.
      if (pair.some_open() && pair.has_links) return;
      return pair.both(vfs::unlink(place, from), unlink(host_from.c_str()));
    case 1:
      if (pair.some_open()) return;  // what is open keeps the name under which it was opened
      return pair.both(vfs::rename(place, from, place, to, 0), rename(host_from.c_str(), host_to.c_str()));
    case 2: {
      const auto target = vfs::resolve(place, from, false);
      const auto done = target ? vfs::link(place, *target, to) : Answer<>(fail(target.error()));
      pair.has_links = true;
      return pair.both(done, link(host_from.c_str(), host_to.c_str()));
    }
    case 3:
      return pair.both(vfs::make_symlink(place, to, "nowhere"), symlink("nowhere", host_to.c_str()));
    case 4: {
      const auto made = vfs::make_node(place, from, vfs::mode::kDirectory | 0755);
      return pair.both(made ? Answer<>() : Answer<>(fail(made.error())), mkdir(host_from.c_str(), 0755));
    }
    case 5:
      return pair.both(vfs::remove_directory(place, from), rmdir(host_from.c_str()));
    default:
      return pair.both(vfs::rename(place, "/d", place, "/e/a/x", 0), -1);
  }
}

void watch(Pair& pair, std::uint32_t pick) {
  constexpr std::array<std::uint32_t, 8> kMasks{IN_ALL_EVENTS,
                                                IN_ALL_EVENTS,
                                                IN_CREATE | IN_DELETE_SELF,
                                                IN_MODIFY | IN_ONESHOT,
                                                IN_MOVE | IN_MOVE_SELF,
                                                IN_ATTRIB | IN_MASK_ADD,
                                                IN_CLOSE | IN_OPEN,
                                                IN_ACCESS | IN_MASK_CREATE};
  const std::uint32_t mask = kMasks[pick % kMasks.size()];
  const bool directory = pick / 8 % 2 != 0;
  if (directory && pair.some_open()) return;  // what was opened before is told to its own watches only
  const std::string path = directory ? (pick / 16 % 2 != 0 ? "/d" : "/e") : Pair::name(pick / 16);
  const auto ours = pair.ours.watch(path, mask);
  const int linux = pair.host.watch(path, mask);
  RC_ASSERT(ours.value_or(-1) == linux);
}

RC_GTEST_PROP(InotifyOracle, tells_what_linux_tells_C4_18, (const std::vector<std::uint32_t>& commands)) {
  Pair pair;
  for (std::uint32_t bits : commands) {
    bits *= 2654435761U;
    const std::uint32_t what = bits >> 28;
    const std::size_t slot = (bits >> 8) % 3;
    const std::string from = Pair::name(bits >> 10 & 0xff), to = Pair::name(bits >> 18 & 0xff);
    RC_LOG() << what << ' ' << slot << ' ' << from << ' ' << to << ' ' << (bits & 0xff) << '\n';
    if (what < 2) {
      watch(pair, bits & 0xff);
    } else if (what < 5) {
      constexpr std::array<std::uint32_t, 4> kFlags{O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_TRUNC, O_RDONLY,
                                                    O_RDWR};
      pair.open(slot, from, kFlags[bits % 4]);
    } else if (what == 5) {
      pair.write(slot);
    } else if (what == 6) {
      pair.read(slot);
    } else if (what < 9) {
      pair.close(slot);
    } else if (what < 15) {
      change(pair, what - 9, from, to);
    } else {
      const auto number = static_cast<std::int32_t>(1 + bits % 6);
      RC_ASSERT(pair.ours.its().remove(number).has_value() == (pair.host.unwatch(number) == 0));
    }
    RC_ASSERT(pair.ours.events() == pair.host.events());
  }
  for (std::size_t slot = 0; slot < 3; ++slot) pair.close(slot);
  RC_ASSERT(pair.ours.events() == pair.host.events());
}

struct Inotifies : testing::Test {
  Tree tree;
};

TEST_F(Inotifies, a_reader_waits_and_gets_whole_events_C4_18) {
  ASSERT_EQ(tree.watch("/", IN_CREATE).value(), 1);
  tree.file(tree.watcher).set_flags(0);
  Script script(
      {[&] { ASSERT_TRUE(tree.open("/a_long_file_name", kReadWrite | vfs::flag::kCreate).has_value()); }});
  EXPECT_EQ(tree.read(tree.watcher, 47).error(), Errno::Restart);
  const std::string bytes = tree.read(tree.watcher, 100, script).value();
  EXPECT_EQ(bytes.size(), 16U + 32U) << "17 bytes and their end take two units";
  EXPECT_EQ(spell_all(bytes), (std::vector<std::string>{"1 256 a_long_file_name"}));
  ASSERT_TRUE(tree.open("/b", kReadWrite | vfs::flag::kCreate).has_value());
  EXPECT_EQ(tree.file(tree.watcher).poll().events & vfs::poll::kIn, vfs::poll::kIn);
  EXPECT_EQ(tree.read(tree.watcher, 31).error(), Errno::Invalid);
  EXPECT_EQ(tree.read(tree.watcher, 32).value().size(), 32U);
}

TEST_F(Inotifies, too_many_events_make_one_overflow_C4_18) {
  ASSERT_TRUE(tree.open("/f", kReadWrite | vfs::flag::kCreate).has_value());
  ASSERT_TRUE(tree.watch("/f", IN_OPEN | IN_CLOSE).has_value());
  for (std::uint32_t i = 0; i < Inotify::kEventsMost; ++i)
    ASSERT_TRUE(tree.open("/f", kReadWrite).has_value());
  EXPECT_EQ(tree.services.inotify_events.used(), Inotify::kEventsMost);
  std::size_t count = 0;
  std::string last;
  for (auto some = tree.events(); !some.empty(); some = tree.events()) {
    count += some.size();
    last = some.back();
  }
  EXPECT_EQ(count, Inotify::kEventsMost + 1);
  EXPECT_EQ(last, "-1 16384 ");
  ASSERT_TRUE(tree.open("/f", kReadWrite).has_value());
  EXPECT_EQ(tree.events().size(), 2U);
  EXPECT_EQ(tree.services.inotify_events.used(), 0U);
}

TEST_F(Inotifies, events_of_all_together_have_a_limit_and_all_comes_back_C4_18) {
  Services few{.alarms = tree.alarms,
               .clock = tree.volume.clock,
               .inotify_instances = Quota(2),
               .inotify_watches = Quota(1),
               .inotify_events = Quota(3)};
  const Descriptor first = tree.add(make_inotify(few, vfs::flag::kNonBlock).value());
  const Descriptor second = tree.add(make_inotify(few, vfs::flag::kNonBlock).value());
  EXPECT_EQ(make_inotify(few, 0).error(), Errno::TooManyFiles);
  auto& its = *vfs::file_as<Inotify>(tree.file(first));
  ASSERT_TRUE(its.add(*tree.volume.root, IN_CREATE).has_value());
  EXPECT_EQ(vfs::file_as<Inotify>(tree.file(second))->add(*tree.volume.root, IN_CREATE).error(),
            Errno::NoSpace);
  for (const char* name : {"/1", "/2", "/3", "/4", "/5"}) {
    ASSERT_TRUE(tree.open(name, kReadWrite | vfs::flag::kCreate).has_value());
  }
  EXPECT_EQ(spell_all(tree.read(first, 4'096).value()).size(), 4U) << "three and an overflow";
  tree.descriptors.close_all();
  EXPECT_EQ(few.inotify_instances.used() + few.inotify_watches.used() + few.inotify_events.used(), 0U);
}

TEST_F(Inotifies, masks_are_checked_C4_18) {
  for (const std::uint32_t mask : {0U, 0x1000U, unsigned{IN_MASK_ADD} | unsigned{IN_MASK_CREATE}}) {
    EXPECT_EQ(Inotify::check(mask).error(), Errno::Invalid);
  }
  EXPECT_TRUE(Inotify::check(IN_MODIFY | IN_ONLYDIR | IN_DONT_FOLLOW).has_value());
  EXPECT_EQ(tree.its().remove(1).error(), Errno::Invalid);
}

TEST_F(Inotifies, what_has_no_name_is_told_to_who_wants_it_only_C4_18) {
  for (const std::uint32_t excluded : {0U, unsigned{IN_EXCL_UNLINK}}) {
    ASSERT_TRUE(tree.watch("/", IN_CLOSE | excluded).has_value());
    auto file = tree.open("/f", kReadWrite | vfs::flag::kCreate).value();
    ASSERT_TRUE(tree.watch("/f", IN_CLOSE | excluded).has_value());
    ASSERT_TRUE(vfs::unlink(tree.place, "/f").has_value());
    file.reset();
    const auto told = tree.events();
    EXPECT_EQ(told.size(), excluded != 0 ? 1U : 3U);
    EXPECT_TRUE(told.back().ends_with(" 32768 "));
  }
}

TEST_F(Inotifies, the_halves_of_a_move_share_a_cookie_of_their_own_C4_18) {
  ASSERT_TRUE(tree.watch("/", IN_MOVE).has_value());
  ASSERT_TRUE(tree.open("/a", kReadWrite | vfs::flag::kCreate).has_value());
  ASSERT_TRUE(tree.open("/b", kReadWrite | vfs::flag::kCreate).has_value());
  ASSERT_TRUE(vfs::rename(tree.place, "/a", tree.place, "/b", vfs::renaming::kExchange).has_value());
  const std::string bytes = tree.read(tree.watcher, 4'096).value();
  ASSERT_EQ(bytes.size(), 4U * 32);
  std::array<std::uint32_t, 4> cookies;
  for (std::size_t i = 0; i < 4; ++i) __builtin_memcpy(&cookies[i], bytes.data() + 32 * i + 8, 4);
  EXPECT_EQ(cookies[0], cookies[1]);
  EXPECT_EQ(cookies[2], cookies[3]);
  EXPECT_NE(cookies[0], cookies[2]);
}

}  // namespace
}  // namespace fb::libos::posix::poll::test

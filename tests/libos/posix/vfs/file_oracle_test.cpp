// The host's tmpfs says what is right: the same operations on a file there and on ours.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/sendfile.h>

#include "libos/posix/vfs/allocate.hpp"
#include "libos/posix/vfs/transfer.hpp"
#include "tests/libos/posix/vfs/host.hpp"
#include "tests/libos/posix/vfs/script.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

std::int64_t place() {
  const auto near = *rc::gen::inRange<std::int64_t>(-1, 5);
  return near * 4096 + *rc::gen::inRange<std::int64_t>(-2, 3);
}

class Pair {
 public:
  Pair() {
    inode_ = volume_.root->create("file", regular()).value();
    file_ = make_shared<RegularFile>(inode_, flag::kReadWrite).value();
  }
  [[nodiscard]] bool there() const { return directory_.there() && host_ >= 0; }

  void step() {
    switch (*rc::gen::inRange(0, 7)) {
      case 0:
        return write();
      case 1:
        return truncate();
      case 2:
      case 3:
        return allocate();
      case 4:
        return seek();
      case 5:
        return copy();
      default:
        return same();
    }
  }
  void same() {
    struct stat host{};
    RC_ASSERT(fstat(host_, &host) == 0);
    const Stat ours = file_->stat();
    RC_ASSERT(ours.size == host.st_size);
    RC_ASSERT(ours.blocks == host.st_blocks);
    std::string theirs(static_cast<std::size_t>(host.st_size), '?');
    RC_ASSERT(pread(host_, theirs.data(), theirs.size(), 0) == ssize_t(theirs.size()));
    RC_ASSERT(read(*inode_) == theirs);
  }

 private:
  void write() {
    const auto at = place();
    const std::string text(*rc::gen::inRange<std::size_t>(0, 9000),
                           static_cast<char>('a' + *rc::gen::inRange(0, 26)));
    BytesInput in(std::as_bytes(std::span(text)));
    RC_LOG() << "write " << at << " " << text.size() << "\n";
    const auto ours = file_->write_at(at, in, text.size());
    const auto theirs = pwrite(host_, text.data(), text.size(), at);
    RC_ASSERT(error_of(ours) == host_error(theirs));
    if (ours) RC_ASSERT(ssize_t(*ours) == theirs);
  }
  void truncate() {
    const auto to = place();
    RC_LOG() << "truncate " << to << "\n";
    const auto ours = file_->truncate(to);
    RC_ASSERT(error_of(ours) == host_error(ftruncate(host_, to)));
  }
  void allocate() {
    // Linux's tmpfs has no zeroed ranges: those are ours alone.
    const auto mode = *rc::gen::element(0, 1, 2, 3, 8, 32, 64);
    const auto at = place(), length = place();
    RC_LOG() << "allocate " << mode << " " << at << " " << length << "\n";
    const auto ours = vfs::allocate(*file_, static_cast<std::uint32_t>(mode), at, length);
    const auto theirs = host_error(fallocate(host_, mode, at, length));
    RC_LOG() << spelling_of(error_of(ours)) << " " << spelling_of(theirs) << "\n";
    RC_ASSERT(error_of(ours) == theirs);
    allocated_ = allocated_ || ours;
  }
  void seek() {
    const auto at = place();
    // Pages that are allocated and not written yet are holes there, and data here: both may be (POSIX lseek).
    const auto whence = *rc::gen::inRange(0, 6);
    if (allocated_ && (whence == SEEK_DATA || whence == SEEK_HOLE)) return;
    const auto ours = file_->seek(at, static_cast<Whence>(whence));
    const auto theirs = lseek(host_, at, whence);
    RC_ASSERT(error_of(ours) == host_error(theirs));
    if (ours) RC_ASSERT(static_cast<off_t>(*ours) == theirs);
  }
  void copy() {
    std::int64_t from = place(), to = place();
    loff_t host_from = from, host_to = to;
    const auto count = *rc::gen::inRange<std::size_t>(0, 9000);
    const auto theirs = copy_file_range(host_, &host_from, host_, &host_to, count, 0);
    const auto expected = host_error(theirs);
    const auto ours = copy_range({*file_, &from}, {*file_, &to}, count);
    RC_LOG() << "copy " << from << " to " << to << ", " << count << ": " << spelling_of(expected) << "\n";
    RC_ASSERT(error_of(ours) == expected);
    if (!ours) return;
    RC_ASSERT(ssize_t(*ours) == theirs);
    RC_ASSERT(from == host_from && to == host_to);
  }

  Volume volume_;
  Ref<Inode> inode_;
  Ref<File> file_;
  bool allocated_ = false;
  HostDirectory directory_;
  HostFile host_{directory_ / "file", O_RDWR | O_CREAT};
};

RC_GTEST_PROP(FileOracle, a_file_does_what_the_hosts_does_C4_18, ()) {
  Pair pair;
  if (!pair.there()) return;
  const auto steps = *rc::gen::inRange(0, 30);
  for (int i = 0; i < steps; ++i) pair.step();
  pair.same();
}

TEST(FileOracle, a_zeroed_range_is_there_and_zero_C4_18) {
  Volume volume;
  const auto inode = volume.root->create("file", regular()).value();
  const auto file = make_shared<RegularFile>(inode, flag::kReadWrite).value();
  ASSERT_TRUE(write(*inode, 0, std::string(10'000, 'a')));
  ASSERT_TRUE(vfs::allocate(*file, allocation::kZeroRange, 100, 20'000));
  EXPECT_EQ(inode->attributes().size, 20'100U);
  EXPECT_EQ(inode->attributes().pages, 5U);
  EXPECT_EQ(read(*inode), std::string(100, 'a') + std::string(20'000, '\0'));
}

TEST(FileOracle, what_does_not_fit_is_refused_whole_C4_18) {
  Volume volume(10);
  const auto inode = volume.root->create("file", regular()).value();
  const auto file = make_shared<RegularFile>(inode, flag::kReadWrite).value();
  EXPECT_EQ(error_of(vfs::allocate(*file, 0, 0, 11 * 4096)), Errno::NoSpace);
  EXPECT_EQ(error_of(vfs::allocate(*file, 0, 4096, std::int64_t{1} << 62)), Errno::NoSpace);
  EXPECT_EQ(volume.frames.used(), 0U);
  EXPECT_EQ(inode->attributes().size, 0U);
  EXPECT_TRUE(vfs::allocate(*file, 0, 0, 10 * 4096));
  EXPECT_TRUE(vfs::allocate(*file, 0, 0, 10 * 4096));
  EXPECT_EQ(error_of(vfs::allocate(*file, 0, std::int64_t{0x7fff'ffff'ffff'ffff}, 1)), Errno::FileTooLarge);
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test

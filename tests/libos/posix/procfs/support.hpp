// A small system with /proc, /sys and /dev mounted, and short ways to look at it.
#pragma once

#include <gtest/gtest.h>

#include <sstream>

#include "libos/posix/procfs/mounter.hpp"
#include "libos/posix/vfs/open.hpp"
#include "tests/libos/posix/procfs/fake.hpp"
#include "tests/libos/posix/vfs/script.hpp"

namespace fb::libos::posix::procfs::test {

namespace flag = vfs::flag;
namespace mode = vfs::mode;

class CountingRandom final : public vfs::RandomSource {
 public:
  void fill(std::span<std::byte> bytes) override {
    for (auto& byte : bytes) byte = std::byte(++next_);
  }

 private:
  unsigned char next_ = 0;
};

inline Answer<std::string> read_all(vfs::File& file, std::size_t piece = 4096) {
  vfs::test::Script none;
  std::string all, some(piece, '?');
  for (;;) {
    vfs::BytesOutput out(std::as_writable_bytes(std::span(some)));
    FB_ASSIGN(const auto done, file.read(out, some.size(), none));
    if (done == 0) return all;
    all.append(some, 0, done);
  }
}

inline std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

/// Processes 1 (threads 1 and 3) and 7.
struct Mounted : testing::Test {
  Mounted() {
    EXPECT_TRUE(mounts_.set_root(volume_.tmpfs).has_value());
    fake_.root = fake_.working = volume_.root;
    fake_.numbers.processors = 2;
    for (const std::int32_t pid : {1, 7}) {
      auto& process = fake_.processes[pid];
      process.numbers.start = core::Nanoseconds(static_cast<std::uint64_t>(pid) * 1'000'000'000);
      process.threads = {pid};
      process.root = process.directory = volume_.root;
    }
    fake_.processes[1].threads = {1, 3};
    EXPECT_TRUE(mounter_.mount_all(place()).has_value());
  }

  [[nodiscard]] vfs::Place place() const {
    return {.root = volume_.root, .directory = fake_.working, .who = fake_.credentials, .mounts = mounts_};
  }
  Answer<Ref<vfs::Inode>> find(std::string_view path, bool follow = true) {
    return vfs::resolve(place(), path, follow);
  }
  Answer<Ref<vfs::File>> open(std::string_view path, std::uint32_t flags = flag::kRead) {
    FB_ASSIGN(const auto opened, vfs::open_inode(place(), path, flags, 0644));
    return vfs::open_file(opened, flags, devices_, volume_.frames, none_);
  }
  std::string read(std::string_view path, std::size_t piece = 4096) {
    const auto file = open(path);
    if (!file) return spelling_of(file.error());
    const auto text = read_all(**file, piece);
    return text ? *text : spelling_of(text.error());
  }
  Answer<std::size_t> write(vfs::File& file, std::string_view text) {
    vfs::BytesInput in(std::as_bytes(std::span(text)));
    return file.write(in, text.size(), none_);
  }
  Errno write(std::string_view path, std::string_view text) {
    const auto file = open(path, flag::kWrite | flag::kTruncate);
    return file ? error_of(write(**file, text)) : file.error();
  }
  std::string link(std::string_view path) {
    const auto inode = find(path, false);
    if (!inode) return spelling_of(inode.error());
    const auto target = (*inode)->readlink();
    return target ? std::string(*target) : spelling_of(target.error());
  }
  std::vector<std::string> names(std::string_view path) { return vfs::test::names(*find(path).value()); }
  vfs::Descriptor give(const Ref<vfs::File>& file, std::int32_t pid = 1, bool close_on_exec = false) {
    return fake_.processes[pid].descriptors.add(file, close_on_exec).value();
  }

  vfs::test::Volume volume_;
  vfs::test::Script none_;
  CountingRandom random_;
  vfs::MemoryDevices devices_{random_};
  vfs::Mounts mounts_;
  Fake fake_{mounts_};
  Mounter mounter_{{.frames = volume_.frames,
                    .clock = volume_.clock,
                    .mounts = mounts_,
                    .information = fake_,
                    .random = random_},
                   100};
};

}  // namespace fb::libos::posix::procfs::test

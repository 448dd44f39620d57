// A file system for tests, and short ways to use it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libos/posix/vfs/tmpfs.hpp"
#include "tests/libos/posix/base/memory_source.hpp"

namespace fb::libos::posix::vfs::test {

class StepClock final : public Clock {
 public:
  core::Nanoseconds now() override { return core::Nanoseconds(++time_); }

 private:
  std::uint64_t time_ = 1'000'000'000;
};

/// A Tmpfs over at most `pages` frames.
struct Volume {
  explicit Volume(std::uint32_t pages = 4096, const Tmpfs::Limits& limits = {}, std::uint64_t device = 7)
      : frames(source, pages),
        tmpfs(Tmpfs::make(frames, clock, device, {.mode = mode::kDirectory | 0755}, limits).value()),
        root(tmpfs->root()) {}
  posix::test::MemorySource source;
  Frames frames;
  StepClock clock;
  Ref<Tmpfs> tmpfs;
  Ref<Inode> root;
};

inline NewInode regular(std::uint32_t permissions = 0644) { return {.mode = mode::kRegular | permissions}; }
inline NewInode directory(std::uint32_t permissions = 0755) {
  return {.mode = mode::kDirectory | permissions};
}

inline Answer<std::size_t> write(Inode& file, std::uint64_t offset, std::string_view text) {
  BytesInput in(std::as_bytes(std::span(text)));
  return file.write(offset, in, text.size());
}
inline std::string read(Inode& file, std::uint64_t offset = 0, std::size_t most = 1 << 20) {
  std::string text(most, '?');
  BytesOutput out(std::as_writable_bytes(std::span(text)));
  text.resize(file.read(offset, out, most).value());
  return text;
}
inline std::vector<std::string> names(Inode& directory) {
  std::vector<std::string> found;
  for (std::uint64_t cookie = 0;;) {
    const auto entry = directory.entry_after(cookie).value();
    if (!entry) return found;
    found.emplace_back(entry->name);
    cookie = entry->cookie;
  }
}

/// The error of an Answer; Errno{} when it succeeded.
template <class T>
Errno error_of(const Answer<T>& answer) {
  return answer ? Errno{} : answer.error();
}

}  // namespace fb::libos::posix::vfs::test

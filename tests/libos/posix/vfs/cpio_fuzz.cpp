// Any bytes: the archive is refused and leaves nothing, or the tree that it makes is whole.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>

#include "libos/posix/vfs/cpio.hpp"
#include "tests/libos/posix/base/memory_source.hpp"

namespace {

using namespace fb::libos::posix;
using namespace fb::libos::posix::vfs;

void demand(bool condition) {
  if (!condition) std::abort();
}

struct ZeroClock final : Clock {
  fb::core::Nanoseconds now() override { return {}; }
};

void visit(Inode& directory, std::map<const Inode*, std::uint32_t>& names) {
  std::uint32_t directories = 0;
  for (std::uint64_t cookie = 0;;) {
    const auto entry = directory.entry_after(cookie).value();
    if (!entry) break;
    demand(entry->cookie > cookie && !entry->name.empty() && entry->name.size() <= kNameMax);
    demand(entry->name != "." && entry->name != ".." && entry->name.find('/') == entry->name.npos);
    cookie = entry->cookie;
    const auto inode = directory.lookup(entry->name).value();
    ++names[inode.get()];
    if (!inode->is_directory()) continue;
    ++directories;
    demand(inode->parent().value().get() == &directory);
    visit(*inode, names);
  }
  demand(directory.attributes().links == 2 + directories);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it by this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::MemorySource source(1);
  ZeroClock clock;
  Frames frames(source, 4);
  {
    const auto made = tmpfs_from_cpio(frames, clock, 1, std::as_bytes(std::span(data, size)), {});
    if (made) {
      std::map<const Inode*, std::uint32_t> names;
      visit(*(*made)->root(), names);
      for (const auto& [inode, count] : names)
        demand(inode->is_directory() || inode->attributes().links == count);
      demand((*made)->usage().inodes == names.size() + 1 && (*made)->usage().pages == frames.used());
    }
  }
  demand(frames.used() == 0);
  return 0;
}

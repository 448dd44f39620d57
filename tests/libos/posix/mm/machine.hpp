// A machine that keeps what it is told, and what a space must never let it have.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libos/posix/mm/space.hpp"
#include "tests/libos/posix/base/memory_source.hpp"

namespace fb::libos::posix::mm::test {

using core::ByteCount;
using core::kPageSize;
using core::VirtAddr;

class Machine final : public Mapper {
 public:
  struct Entry {
    FrameId frame;
    Access access;
  };
  Answer<> map(VirtAddr address, FrameId frame, core::PageCount count, Access access) override {
    auto number = address.raw() / kPageSize;
    const auto run = Frames::place_of(frame).run;
    for (std::uint32_t i = 0; i < count.raw(); ++i, ++number) {
      const FrameId its(frame.raw() + i);
      if (access == Access::None || entries.contains(number)) broken = "map of what is mapped, or of nothing";
      if (Frames::place_of(its).run != run) broken = "a request across runs";
      if (maps_left == 0) return fail(Errno::NoMemory);
      --maps_left;
      entries[number] = {its, access};
    }
    return {};
  }
  void unmap(VirtAddr address, core::PageCount count) override {
    for (auto at = first(address); at != entries.end() && at->first < end(address, count);) {
      stale.emplace_back(*at);
      at = entries.erase(at);
    }
  }
  void protect(VirtAddr address, core::PageCount count, Access access) override {
    if (access == Access::None) broken = "protect to nothing";
    for (auto at = first(address); at != entries.end() && at->first < end(address, count); ++at) {
      stale.emplace_back(*at);
      at->second.access = access;
    }
  }
  Answer<> flush() override {
    stale.clear();
    return {};
  }

  /// What is wrong, or nothing. What other CPUs may still have counts as mapped.
  std::optional<std::string> fault_of(Space& space, const Frames& frames) const {
    if (!broken.empty()) return broken;
    auto all = stale;
    all.insert(all.end(), entries.begin(), entries.end());
    for (const auto& [number, entry] : all) {
      const Page* page = space.page(VirtAddr(number * kPageSize));
      if (page == nullptr || page->frame != entry.frame) return "maps what is not recorded";
      if (entry.access != Access::ReadWrite) continue;
      if (!page->shared && frames.count(entry.frame) > 1) return "writes to what others have";
    }
    for (const auto& [number, entry] : entries) {
      const Page* page = space.page(VirtAddr(number * kPageSize));
      if (page->access == Access::None) return "maps what is recorded as not mapped";
      if (entry.access != Access::Read && entry.access != page->access) return "allows more than recorded";
    }
    const auto areas = space.areas();
    for (std::size_t i = 0; i < areas.size(); ++i) {
      if (areas[i].range.empty() || areas[i].range.end > kTop) return "an area is wrong";
      if (i != 0 && areas[i - 1].range.end > areas[i].range.start) return "areas overlap";
      if (i != 0 && areas[i - 1].joins(areas[i])) return "areas are not joined";
    }
    return {};
  }

  std::map<std::uint64_t, Entry> entries;
  std::vector<std::pair<std::uint64_t, Entry>> stale;  // until the next flush
  std::uint64_t maps_left = ~std::uint64_t{0};
  std::string broken;

 private:
  std::map<std::uint64_t, Entry>::iterator first(VirtAddr address) {
    return entries.lower_bound(address.raw() / kPageSize);
  }
  static std::uint64_t end(VirtAddr address, core::PageCount count) {
    return address.raw() / kPageSize + count.raw();
  }
};

/// Some pages, each filled with its number plus 'a'.
class File final : public Backing {
 public:
  File(Frames& frames, std::size_t pages) : frames_(frames) {
    for (std::size_t i = 0; i < pages; ++i) {
      held.push_back(frames.allocate().value());
      std::ranges::fill(frames.bytes(held.back()), static_cast<std::byte>('a' + i));
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() override { truncate(0); }
  Answer<FrameId> frame(std::uint64_t page) override {
    if (page >= held.size()) return fail(Errno::NoDeviceOrAddress);
    frames_.share(held[page]);
    return held[page];
  }
  FrameId present(std::uint64_t page) override { return page < held.size() ? held[page] : FrameId(0); }
  void truncate(std::size_t pages) {
    for (; held.size() > pages; held.pop_back()) frames_.release(held.back());
  }
  std::vector<FrameId> held;

 private:
  Frames& frames_;
};

inline constexpr std::uint32_t kRw = kProtRead | kProtWrite;
inline constexpr std::uint32_t kAnonymous = kMapPrivate | kMapAnonymous;
inline constexpr std::uint64_t kBase = 0x1000'0000;

constexpr VirtAddr at(std::uint64_t page, std::uint64_t offset = 0) {
  return VirtAddr(kBase + page * kPageSize + offset);
}
constexpr ByteCount pages(std::uint64_t count) { return ByteCount(count * kPageSize); }
inline MapRequest anonymous(VirtAddr address, ByteCount length, std::uint32_t protection = kRw,
                            std::uint32_t more = kMapFixed) {
  return {.address = address, .length = length, .protection = protection, .flags = kAnonymous | more};
}
inline std::optional<int> byte_at(Space& space, VirtAddr address) {
  std::byte byte{};
  if (!space.read(address, {&byte, 1})) return {};
  return std::to_integer<int>(byte);
}
inline bool put(Space& space, VirtAddr address, int value) {
  const auto byte = static_cast<std::byte>(value);
  return space.write(address, {&byte, 1}).has_value();
}

/// Frames, a machine and a space on it. A test ends with all frames back.
struct Process {
  explicit Process(std::uint32_t limit = 10'000, const Limits& limits = {})
      : frames(source, limit), space(frames, machine, limits) {}
  posix::test::MemorySource source;
  Frames frames;
  Machine machine;
  Space space;
};

}  // namespace fb::libos::posix::mm::test

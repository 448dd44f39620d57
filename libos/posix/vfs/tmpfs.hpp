// A file system in memory: what an instance begins with.
#pragma once

#include "libos/posix/vfs/file_system.hpp"

namespace fb::libos::posix::vfs {

/// Files hold frames; directories, names and links are on the heap and counted as inodes. An inode outlives the file
/// system while it is held. Not for concurrent use.
class Tmpfs final : public FileSystem {
 public:
  struct Limits {
    std::uint64_t pages = ~std::uint64_t{0};
    std::uint64_t inodes = ~std::uint64_t{0};
  };
  struct Usage {
    std::uint64_t pages, inodes;
    Limits limits;
  };
  struct Store;

  /// `root` says the root's mode and owner, `device` its st_dev, of no other file system. `frames` and `clock` outlive every
  /// inode. Errors: NoMemory.
  static Answer<Ref<Tmpfs>> make(Frames& frames, Clock& clock, std::uint64_t device, const NewInode& root,
                                 const Limits& limits);
  static Answer<Ref<Tmpfs>> make(Frames& frames, Clock& clock, std::uint64_t device) {
    return make(frames, clock, device, {.mode = mode::kDirectory | 0755}, Limits{});
  }
  Tmpfs(Ref<Store> store, Ref<Inode> root);
  ~Tmpfs() override;

  Ref<Inode> root() override { return root_; }
  [[nodiscard]] Usage usage() const;
  /// Without limits of its own: those of the frames.
  [[nodiscard]] Statistics statistics() const override;

 private:
  Ref<Store> store_;
  Ref<Inode> root_;
};

}  // namespace fb::libos::posix::vfs

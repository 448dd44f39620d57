// /proc and /sys as file systems to be mounted.
#pragma once

#include "libos/posix/procfs/node.hpp"
#include "libos/posix/vfs/file_system.hpp"

namespace fb::libos::posix::procfs {

class Computed final : public vfs::FileSystem {
 public:
  Computed(Ref<Node> root, std::string_view type, std::uint64_t magic)
      : root_(std::move(root)), type_(type), magic_(magic) {}
  Ref<vfs::Inode> root() override { return root_; }
  [[nodiscard]] vfs::Statistics statistics() const override { return {.type = type_, .magic = magic_}; }

 private:
  Ref<Node> root_;
  std::string_view type_;
  std::uint64_t magic_;
};

/// `device` is its st_dev, of no other file system; `context` outlives every inode of it. Errors: NoMemory.
Answer<Ref<vfs::FileSystem>> make_proc(Context& context, std::uint64_t device);
Answer<Ref<vfs::FileSystem>> make_sysfs(Context& context, std::uint64_t device);

}  // namespace fb::libos::posix::procfs

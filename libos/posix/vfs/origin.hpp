// By what name a file was found: what /proc says of open files and of running programs.
#pragma once

#include "libos/posix/vfs/inode.hpp"
#include "libos/posix/vfs/string.hpp"

namespace fb::libos::posix::vfs {

/// The name is the one it had then; it may have got another since, or lost it.
class Origin final : public Shared {
 public:
  Origin(Ref<Inode> directory, String name) : directory_(std::move(directory)), name_(std::move(name)) {}
  [[nodiscard]] const Ref<Inode>& directory() const { return directory_; }
  [[nodiscard]] std::string_view name() const { return name_.view(); }

 private:
  Ref<Inode> directory_;
  String name_;
};

/// Where a link leads that is followed without a path, and what a path has led to. Directories need no origin.
struct Target {
  Ref<Inode> inode{};
  Ref<Origin> origin{};
};

}  // namespace fb::libos::posix::vfs

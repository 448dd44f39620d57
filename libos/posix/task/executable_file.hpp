// Files as programs to be run.
#pragma once

#include <algorithm>

#include "libos/posix/exec/load.hpp"
#include "libos/posix/map/file_pages.hpp"

namespace fb::libos::posix::task {

class ExecutableFile final : public exec::Executable {
 public:
  ExecutableFile(vfs::Target file, Frames& frames) : file_(std::move(file)), frames_(frames) {}
  /// Before anything else. Errors: Access when it is no regular file, those of reading, NoMemory.
  Answer<> open() {
    if (!file_.inode->is(vfs::mode::kRegular)) return fail(Errno::Access);
    head_.reset(new (std::nothrow) Head);
    if (head_ == nullptr) return fail(Errno::NoMemory);
    vfs::BytesOutput out(*head_);
    FB_ASSIGN(read_, file_.inode->read(0, out, head_->size()));
    FB_ASSIGN(pages_, map::file_pages(file_, frames_));
    return {};
  }
  [[nodiscard]] std::span<const std::byte> head() const override { return {head_->data(), read_}; }
  [[nodiscard]] core::ByteCount size() const override {
    return core::ByteCount(file_.inode->attributes().size);
  }
  [[nodiscard]] Ref<mm::Backing> backing() const override { return pages_; }

 private:
  vfs::Target file_;
  Frames& frames_;
  Ref<map::FilePages> pages_;
  using Head = std::array<std::byte, kHead>;
  std::unique_ptr<Head> head_;  ///< so much as was read; apart, since the heap has blocks of just this size
  std::size_t read_ = 0;
};

}  // namespace fb::libos::posix::task

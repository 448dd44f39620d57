// Files as mappings show them: by pages (C4.10).
#pragma once

#include "libos/posix/mm/space.hpp"
#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::map {

/// The pages of an inode behind all its mappings. Beyond the end of the file there is nothing. It is known by the name that it was
/// first mapped by.
class FilePages final : public mm::Backing, public vfs::PageViewer {
 public:
  FilePages(vfs::Target file, Frames& frames) : file_(std::move(file)), frames_(frames) {
    file_.inode->viewer() = this;
  }
  ~FilePages() override { file_.inode->viewer() = nullptr; }

  [[nodiscard]] Kind kind() const override { return Kind::File; }

  Answer<FrameId> frame(std::uint64_t page) override;
  FrameId present(std::uint64_t page) override {
    const auto size = core::ByteCount(file_.inode->attributes().size);
    return core::PageCount(page) < core::pages_for(size) ? file_.inode->present(core::PageCount(page))
                                                         : FrameId(0);
  }
  void present_all(std::uint64_t first, std::span<FrameId> into) override;
  Answer<> punch(std::uint64_t first, std::uint64_t end) override;
  void leave(std::uint64_t first, std::uint64_t end, bool copies) override {
    Backing::leave(first, end, copies);
  }
  [[nodiscard]] bool writable() override { return Backing::writable(); }
  [[nodiscard]] bool executed() override { return Backing::executed(); }
  [[nodiscard]] const vfs::Target& file() const { return file_; }

 private:
  vfs::Target file_;
  Frames& frames_;
};

/// Those of `file`, which all its mappings share: so a file that changes finds them. Errors: NoMemory.
Answer<Ref<FilePages>> file_pages(const vfs::Target& file, Frames& frames);

/// What a descriptor adds to a call of mmap. A mapping of /dev/zero becomes an anonymous one. Errors: BadDescriptor, Access,
/// NoDevice, Perm by a seal, NoMemory.
Answer<> set_file(mm::MapRequest& request, const vfs::File& file, Frames& frames);

}  // namespace fb::libos::posix::map

#include "libos/posix/map/file_pages.hpp"

#include <algorithm>

namespace fb::libos::posix::map {

Answer<FrameId> FilePages::frame(std::uint64_t page) {
  const auto frame = file_.inode->frame_at(core::PageCount(page));
  if (!frame) return fail(frame.error() == Errno::Fault ? Errno::NoDeviceOrAddress : frame.error());
  frames_.share(*frame);
  return *frame;
}

void FilePages::present_all(std::uint64_t first, std::span<FrameId> into) {
  const auto size = core::pages_for(core::ByteCount(file_.inode->attributes().size)).raw();
  const auto there = std::min<std::uint64_t>(into.size(), size - std::min(size, first));
  file_.inode->present_all(core::PageCount(first), into.first(there));
  std::ranges::fill(into.subspan(there), FrameId(0));
}

Answer<> FilePages::punch(std::uint64_t first, std::uint64_t end) {
  const std::uint64_t most = vfs::kLargestFile >> core::kPageShift;
  first = std::min(first, most);
  end = std::min(end, most);
  if (first == end) return {};
  return file_.inode->allocate(vfs::allocation::kPunchHole | vfs::allocation::kKeepSize,
                               first << core::kPageShift, (end - first) << core::kPageShift);
}

Answer<Ref<FilePages>> file_pages(const vfs::Target& file, Frames& frames) {
  auto* const viewer = file.inode->viewer();
  if (viewer != nullptr) return Ref<FilePages>(static_cast<FilePages&>(*viewer));
  return make_shared<FilePages>(file, frames);
}

Answer<> set_file(mm::MapRequest& request, const vfs::File& file, Frames& frames) {
  constexpr auto kZero = vfs::make_device(1, 5);
  if (file.path_only()) return fail(Errno::BadDescriptor);
  if (!file.readable()) return fail(Errno::Access);
  const Ref<vfs::Inode>& inode = file.inode();
  if (inode && inode->is(vfs::mode::kCharacter) && inode->attributes().rdev == kZero) {
    request.flags |= mm::kMapAnonymous;
    return {};
  }
  if (!inode || !inode->is(vfs::mode::kRegular)) return fail(Errno::NoDevice);
  if ((request.flags & mm::kMapType) != mm::kMapPrivate) {
    // A shared mapping shows the file: who may not write the file may not write it there.
    if (!file.writable()) request.most &= ~mm::kProtWrite;
    const std::uint32_t* const seals = inode->seals();
    if (seals != nullptr && (*seals & vfs::seal::kNoWrites) != 0) {
      if (file.writable() && (request.protection & mm::kProtWrite) != 0) return fail(Errno::Perm);
      request.most &= ~mm::kProtWrite;
    }
  }
  FB_ASSIGN(request.backing, file_pages({.inode = inode, .origin = file.origin()}, frames));
  return {};
}

}  // namespace fb::libos::posix::map

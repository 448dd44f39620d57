#include "libos/posix/vfs/memory_file.hpp"

namespace fb::libos::posix::vfs {

Answer<Ref<File>> MemoryFiles::make(Frames& frames, Clock& clock, const NewInode& owner,
                                    std::uint32_t flags) {
  using namespace memory_file;
  constexpr std::uint32_t kBoth = kNoExecuteSeal | kExecute;
  // There are no huge pages to take.
  if ((flags & ~(kCloseOnExec | kAllowSealing | kBoth)) != 0) return fail(Errno::Invalid);
  if ((flags & kBoth) == kBoth) return fail(Errno::Invalid);
  if (!files_) {
    FB_ASSIGN(files_, Tmpfs::make(frames, clock, kDevice));
  }
  NewInode begin = owner;
  begin.mode = mode::kRegular | ((flags & kNoExecuteSeal) != 0 ? 0666 : 0777);
  FB_ASSIGN(const Ref<Inode> inode, files_->root()->create_unnamed(begin, false));
  std::uint32_t& seals = *inode->seals();
  if ((flags & (kAllowSealing | kNoExecuteSeal)) != 0) seals = 0;
  if ((flags & kNoExecuteSeal) != 0) seals |= seal::kExecute;
  return make_shared<RegularFile>(inode, flag::kReadWrite | flag::kLargeFile);
}

Answer<> add_seals(const File& file, std::uint32_t seals) {
  if (!file.writable()) return fail(Errno::Perm);
  if ((seals & ~seal::kAll) != 0) return fail(Errno::Invalid);
  std::uint32_t* const its = file.inode() ? file.inode()->seals() : nullptr;
  if (its == nullptr) return fail(Errno::Invalid);
  if ((*its & seal::kSeal) != 0) return fail(Errno::Perm);
  PageViewer* const viewer = file.inode()->viewer();
  if ((seals & ~*its & seal::kWrite) != 0 && viewer != nullptr && viewer->writable())
    return fail(Errno::Busy);
  // A program that nobody makes another one of is not written either.
  if ((seals & seal::kExecute) != 0 && (file.inode()->attributes().mode & mode::kAnyExecute) != 0) {
    seals |= seal::kShrink | seal::kGrow | seal::kNoWrites;
  }
  *its |= seals;
  return {};
}

Answer<std::uint32_t> get_seals(const File& file) {
  const std::uint32_t* const its = file.inode() ? file.inode()->seals() : nullptr;
  if (its == nullptr) return fail(Errno::Invalid);
  return *its;
}

}  // namespace fb::libos::posix::vfs

#include "libos/posix/vfs/file.hpp"

#include <algorithm>
#include <array>

#include "libos/posix/vfs/locks.hpp"

namespace fb::libos::posix::vfs {
namespace {

constexpr std::uint32_t kForgotten =
    flag::kCreate | flag::kExclusive | flag::kNoTerminal | flag::kTruncate | flag::kCloseOnExec;

Timespec timespec(core::Nanoseconds time) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return {.seconds = static_cast<std::int64_t>(time.raw() / kSecond),
          .nanoseconds = static_cast<std::int64_t>(time.raw() % kSecond)};
}

/// `base` and `offset` added, if that is an offset.
Answer<std::uint64_t> moved(std::uint64_t base, std::int64_t offset) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(static_cast<std::int64_t>(base), offset, &sum)) return fail(Errno::Invalid);
  if (sum < 0) return fail(Errno::Invalid);
  return static_cast<std::uint64_t>(sum);
}

}  // namespace

Stat stat_of(const Attributes& from) {
  return {.device = from.device,
          .inode = from.inode,
          .links = from.links,
          .mode = from.mode,
          .uid = from.uid,
          .gid = from.gid,
          .padding = 0,
          .rdev = from.rdev,
          .size = static_cast<std::int64_t>(from.size),
          .block_size = core::kPageSize,
          .blocks = static_cast<std::int64_t>(from.pages * (core::kPageSize / 512)),
          .accessed = timespec(from.accessed),
          .modified = timespec(from.modified),
          .changed = timespec(from.changed),
          .reserved = {}};
}

File::File(Ref<Inode> inode, std::uint32_t flags) : inode_(std::move(inode)), flags_(flags & ~kForgotten) {}

void File::end_locks() {
  if (inode_) Locks::forget(*inode_, lock_owner_);
}

bool File::writable() const {
  const std::uint32_t access = flags_ & flag::kAccess;
  return !path_only() && (access == flag::kWrite || access == flag::kReadWrite);
}

void File::set_flags(std::uint32_t flags) {
  flags_ = (flags_ & ~flag::kSettable) | (flags & flag::kSettable);
}

Answer<std::size_t> File::read(Output& out, std::size_t count, Waiter& waiter) {
  if (!readable()) return fail(Errno::BadDescriptor);
  auto done = on_read(out, std::min(count, kTransferMost), waiter);
  if (done && *done != 0) note(notice::kAccess);
  return done;
}

Answer<std::size_t> File::write(Input& in, std::size_t count, Waiter& waiter) {
  if (!writable()) return fail(Errno::BadDescriptor);
  auto done = on_write(in, std::min(count, kTransferMost), waiter);
  if (done && *done != 0) note(notice::kModify);
  return done;
}

Answer<std::size_t> File::read_at(std::int64_t offset, Output& out, std::size_t count) {
  if (offset < 0) return fail(Errno::Invalid);
  if (!readable()) return fail(Errno::BadDescriptor);
  auto done = on_read_at(static_cast<std::uint64_t>(offset), out, std::min(count, kTransferMost));
  if (done && *done != 0) note(notice::kAccess);
  return done;
}

Answer<std::size_t> File::write_at(std::int64_t offset, Input& in, std::size_t count) {
  if (offset < 0) return fail(Errno::Invalid);
  if (!writable()) return fail(Errno::BadDescriptor);
  auto done = on_write_at(static_cast<std::uint64_t>(offset), in, std::min(count, kTransferMost));
  if (done && *done != 0) note(notice::kModify);
  return done;
}

Answer<std::uint64_t> File::seek(std::int64_t /*offset*/, Whence /*whence*/) {
  return fail(path_only() ? Errno::BadDescriptor : Errno::IllegalSeek);
}

Answer<> File::truncate(std::int64_t size) {
  if (size < 0) return fail(Errno::Invalid);
  if (path_only()) return fail(Errno::BadDescriptor);
  if (!writable() || !inode_ || !inode_->is(mode::kRegular)) return fail(Errno::Invalid);
  FB_TRY(inode_->truncate(static_cast<std::uint64_t>(size)));
  note(notice::kModify);
  return {};
}

Answer<std::size_t> File::entries(Output& /*out*/, std::size_t /*count*/) {
  return fail(path_only() ? Errno::BadDescriptor : Errno::NotDirectory);
}

Answer<std::uint64_t> File::ioctl(std::uint32_t /*request*/, std::uint64_t /*argument*/,
                                  IoctlCaller& /*caller*/) {
  return fail(path_only() ? Errno::BadDescriptor : Errno::NotTerminal);
}

bool File::pollable() const {
  return !inode_ || !(inode_->is(mode::kRegular) || inode_->is(mode::kDirectory));
}

void File::note_open() {
  if (path_only()) return;
  noted_ = true;
  note(notice::kOpen);
}

void File::tell(std::uint32_t what) {
  if (inode_->is_directory()) what |= notice::kDirectory;
  if (inode_->attributes().links == 0) what |= notice::kUnlinkedChild;
  if (origin_) origin_->directory()->watchers().tell(what, origin_->name());
  inode_->watchers().tell(what);
}

void File::before_end() {
  watchers_.end();
  if (noted_) note(writable() ? notice::kCloseWrite : notice::kCloseNoWrite);
}

Stat File::stat() const { return inode_ ? stat_of(inode_->attributes()) : Stat{}; }

Answer<std::uint64_t> RegularFile::seek(std::int64_t offset, Whence whence) {
  if (path_only()) return fail(Errno::BadDescriptor);
  const std::uint64_t size = inode()->attributes().size;
  switch (whence) {
    case Whence::Set: {
      FB_ASSIGN(offset_, moved(0, offset));
      return offset_;
    }
    case Whence::Current: {
      FB_ASSIGN(offset_, moved(offset_, offset));
      return offset_;
    }
    case Whence::End: {
      FB_ASSIGN(offset_, moved(size, offset));
      return offset_;
    }
    case Whence::Data:
    case Whence::Hole: {
      if (offset < 0 || static_cast<std::uint64_t>(offset) >= size) return fail(Errno::NoDeviceOrAddress);
      FB_ASSIGN(offset_, inode()->find(static_cast<std::uint64_t>(offset), whence == Whence::Hole));
      return offset_;
    }
  }
  return fail(Errno::Invalid);
}

Answer<std::size_t> RegularFile::on_read(Output& out, std::size_t count, Waiter& /*waiter*/) {
  FB_ASSIGN(const std::size_t done, on_read_at(offset_, out, count));
  offset_ += done;
  return done;
}

Answer<std::size_t> RegularFile::on_write(Input& in, std::size_t count, Waiter& /*waiter*/) {
  if ((flags() & flag::kAppend) != 0) offset_ = inode()->attributes().size;
  FB_ASSIGN(const std::size_t done, inode()->write(offset_, in, count));
  offset_ += done;
  return done;
}

Answer<std::size_t> RegularFile::on_read_at(std::uint64_t offset, Output& out, std::size_t count) {
  return inode()->read(offset, out, count);
}

/// With O_APPEND it appends all the same: as Linux does, not as POSIX says.
Answer<std::size_t> RegularFile::on_write_at(std::uint64_t offset, Input& in, std::size_t count) {
  if ((flags() & flag::kAppend) != 0) offset = inode()->attributes().size;
  return inode()->write(offset, in, count);
}

Answer<std::uint64_t> DirectoryFile::seek(std::int64_t offset, Whence whence) {
  if (path_only()) return fail(Errno::BadDescriptor);
  if (whence != Whence::Set && whence != Whence::Current) return fail(Errno::Invalid);
  FB_ASSIGN(cookie_, moved(whence == Whence::Current ? cookie_ : 0, offset));
  return cookie_;
}

/// "." and ".." are entries 1 and 2; those of the inode follow.
Answer<std::optional<DirectoryFile::Record>> DirectoryFile::next(std::uint64_t cookie) const {
  if (cookie == 0) return Record{1, ".", inode()->attributes().inode, mode::kDirectory};
  if (cookie == 1) {
    const auto parent = inode()->parent();
    return Record{2, "..", (parent ? **parent : *inode()).attributes().inode, mode::kDirectory};
  }
  FB_ASSIGN(const auto entry, inode()->entry_after(cookie));
  if (!entry) return std::nullopt;
  return Record{entry->cookie, entry->name, entry->inode, entry->mode};
}

Answer<std::size_t> DirectoryFile::entries(Output& out, std::size_t count) {
  if (path_only()) return fail(Errno::BadDescriptor);
  if (inode()->attributes().links == 0) return fail(Errno::NoEntry);
  note(notice::kAccess);
  std::size_t done = 0;
  for (;;) {
    FB_ASSIGN(const auto record, next(cookie_));
    if (!record) return done;
    const std::size_t length = (kDirectoryRecordName + record->name.size() + 1 + 7) & ~std::size_t{7};
    if (length > count - done) {
      if (done == 0) return fail(Errno::Invalid);
      return done;
    }
    const DirectoryRecord head{.inode = record->inode,
                               .offset = static_cast<std::int64_t>(record->cookie),
                               .length = static_cast<std::uint16_t>(length),
                               .type = static_cast<std::uint8_t>((record->mode & mode::kType) >> 12)};
    std::array<std::byte, kDirectoryRecordName + kNameMax + 8> bytes{};
    __builtin_memcpy(bytes.data(), &head, kDirectoryRecordName);
    std::ranges::copy(std::as_bytes(std::span(record->name)), bytes.data() + kDirectoryRecordName);
    if (const auto put = out.put({bytes.data(), length}); !put) {
      if (done == 0) return fail(put.error());
      return done;
    }
    done += length;
    cookie_ = record->cookie;
  }
}

}  // namespace fb::libos::posix::vfs

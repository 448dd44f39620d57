// Bytes at places, from file to file, and to the disk that there is not.
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/pieces.hpp"
#include "libos/posix/vfs/allocate.hpp"
#include "libos/posix/vfs/pipe.hpp"
#include "libos/posix/vfs/transfer.hpp"

namespace fb::libos::posix::call {
namespace {

Answer<Ref<vfs::File>> file_of(Call& call, unsigned argument) { return call.file(argument); }

/// An offset that the program may give, and gets back.
class Offset {
 public:
  /// Errors: Fault, NoMemory.
  Answer<std::int64_t*> fetch(Call& call, core::VirtAddr at) {
    if (at == core::VirtAddr(0)) return nullptr;
    at_ = at;
    FB_ASSIGN(value_, call.get<std::int64_t>(at));
    return &value_;
  }
  Answer<> store(Call& call) const { return at_ == core::VirtAddr(0) ? Answer<>() : call.put(at_, value_); }

 private:
  core::VirtAddr at_{};
  std::int64_t value_ = 0;
};

Done read_pieces_at(Call& call, std::int64_t offset) {
  FB_ASSIGN(const auto file, file_of(call, 0));
  if (offset < 0) return fail(Errno::Invalid);
  FB_ASSIGN(auto pieces, Pieces::read(call, call.address(1), call.word(2), Errno::Invalid));
  PiecesOutput out(call.memory(), pieces);
  return file->read_at(offset, out, pieces.size());
}

Done write_pieces_at(Call& call, std::int64_t offset) {
  FB_ASSIGN(const auto file, file_of(call, 0));
  if (offset < 0) return fail(Errno::Invalid);
  FB_ASSIGN(auto pieces, Pieces::read(call, call.address(1), call.word(2), Errno::Invalid));
  PiecesInput in(call.memory(), pieces);
  return file->write_at(offset, in, pieces.size());
}

/// RWF_*: what changes nothing where there is no disk. Errors: NotSupported.
Answer<> check_kind(std::uint32_t flags) {
  constexpr std::uint32_t kHighPriority = 1, kDataSync = 2, kSync = 4, kNoWait = 8, kDontCache = 0x80;
  constexpr std::uint32_t kKnown = kHighPriority | kDataSync | kSync | kNoWait | kDontCache;
  return (flags & ~kKnown) != 0 ? fail(Errno::NotSupported) : Answer<>();
}

/// fsync and its kin. Errors: BadDescriptor, Invalid for what has nothing to synchronise.
Done sync_file(Call& call) {
  FB_ASSIGN(const auto file, file_of(call, 0));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  const bool has = file->inode() && (file->inode()->is(vfs::mode::kRegular) || file->inode()->is_directory());
  return has ? Done(0) : fail(Errno::Invalid);
}

/// What moved bytes to where nobody reads them.
Done told(Call& call, const Answer<std::size_t>& done) {
  if (!done && done.error() == Errno::BrokenPipe) call.broken_pipe();
  return done;
}

}  // namespace

Done do_preadv(Call& call) { return read_pieces_at(call, static_cast<std::int64_t>(call.word(3))); }
Done do_pwritev(Call& call) { return write_pieces_at(call, static_cast<std::int64_t>(call.word(3))); }
Done do_preadv2(Call& call) {
  FB_TRY(check_kind(call.word32(5)));
  const auto offset = static_cast<std::int64_t>(call.word(3));
  return offset == -1 ? do_readv(call) : read_pieces_at(call, offset);
}
Done do_pwritev2(Call& call) {
  FB_TRY(check_kind(call.word32(5)));
  const auto offset = static_cast<std::int64_t>(call.word(3));
  return offset == -1 ? do_writev(call) : write_pieces_at(call, offset);
}

Done do_sendfile(Call& call) {
  FB_ASSIGN(const auto out, file_of(call, 0));
  FB_ASSIGN(const auto in, file_of(call, 1));
  Offset offset;
  FB_ASSIGN(std::int64_t* const at, offset.fetch(call, call.address(2)));
  auto waiter = call.waiter();
  FB_ASSIGN(const auto done, told(call, vfs::send_file(*out, {*in, at}, call.word(3), waiter)));
  FB_TRY(offset.store(call));
  return done;
}

Done do_copy_file_range(Call& call) {
  FB_ASSIGN(const auto in, file_of(call, 0));
  FB_ASSIGN(const auto out, file_of(call, 2));
  if (call.word32(5) != 0) return fail(Errno::Invalid);
  Offset from, to;
  FB_ASSIGN(std::int64_t* const from_at, from.fetch(call, call.address(1)));
  FB_ASSIGN(std::int64_t* const to_at, to.fetch(call, call.address(3)));
  FB_ASSIGN(const auto done, vfs::copy_range({*in, from_at}, {*out, to_at}, call.word(4)));
  FB_TRY(from.store(call));
  FB_TRY(to.store(call));
  return done;
}

Done do_splice(Call& call) {
  FB_ASSIGN(const auto in, file_of(call, 0));
  FB_ASSIGN(const auto out, file_of(call, 2));
  Offset from, to;
  FB_ASSIGN(std::int64_t* const from_at, from.fetch(call, call.address(1)));
  FB_ASSIGN(std::int64_t* const to_at, to.fetch(call, call.address(3)));
  auto waiter = call.waiter();
  FB_ASSIGN(const auto done,
            told(call, vfs::splice({*in, from_at}, {*out, to_at}, call.word(4), call.word32(5), waiter)));
  FB_TRY(from.store(call));
  FB_TRY(to.store(call));
  return done;
}

Done do_tee(Call& call) {
  FB_ASSIGN(const auto in, file_of(call, 0));
  FB_ASSIGN(const auto out, file_of(call, 1));
  auto waiter = call.waiter();
  return told(call, vfs::tee(*in, *out, call.word(2), call.word32(3), waiter));
}

/// Its pages are copied: a program may go on writing to them.
Done do_vmsplice(Call& call) {
  FB_ASSIGN(const auto file, file_of(call, 0));
  if ((call.word32(3) & ~vfs::splicing::kAll) != 0) return fail(Errno::Invalid);
  if (file->pipe_behind() == nullptr) return fail(Errno::BadDescriptor);
  return file->writable() ? do_writev(call) : do_readv(call);
}

Done do_fallocate(Call& call) {
  FB_ASSIGN(const auto file, file_of(call, 0));
  FB_TRY(vfs::allocate(*file, call.word32(1), static_cast<std::int64_t>(call.word(2)),
                       static_cast<std::int64_t>(call.word(3))));
  return 0;
}

Done do_sync(Call&) { return 0; }
Done do_fsync(Call& call) { return sync_file(call); }
Done do_fdatasync(Call& call) { return sync_file(call); }
Done do_syncfs(Call& call) {
  FB_ASSIGN(const auto file, file_of(call, 0));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  return 0;
}
Done do_sync_file_range(Call& call) {
  constexpr std::uint32_t kKnown = 7;
  FB_ASSIGN(const auto file, file_of(call, 0));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  const auto offset = static_cast<std::int64_t>(call.word(1)),
             count = static_cast<std::int64_t>(call.word(2));
  std::int64_t end = 0;
  if ((call.word32(3) & ~kKnown) != 0 || offset < 0 || __builtin_add_overflow(offset, count, &end) ||
      end < offset) {
    return fail(Errno::Invalid);
  }
  if (file->pipe_behind() != nullptr) return fail(Errno::IllegalSeek);
  return 0;
}

Done do_readahead(Call& call) {
  FB_ASSIGN(const auto file, file_of(call, 0));
  if (!file->readable()) return fail(Errno::BadDescriptor);
  const bool regular = file->inode() && file->inode()->is(vfs::mode::kRegular);
  return regular ? Done(0) : fail(Errno::Invalid);
}
Done do_fadvise64(Call& call) {
  constexpr std::uint32_t kLast = 5;
  FB_ASSIGN(const auto file, file_of(call, 0));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  if (file->pipe_behind() != nullptr) return fail(Errno::IllegalSeek);
  if (static_cast<std::int64_t>(call.word(2)) < 0 || call.word32(3) > kLast) return fail(Errno::Invalid);
  return 0;
}

}  // namespace fb::libos::posix::call

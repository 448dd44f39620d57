// Reading, writing and what is done to descriptors.
#include "libos/posix/call/pieces.hpp"
#include "libos/posix/call/sockets.hpp"
#include "libos/posix/vfs/pipe.hpp"

namespace fb::libos::posix::call {
namespace {

Answer<Ref<vfs::File>> file_of(Call& call, unsigned argument = 0) { return call.file(argument); }

std::size_t count_of(const Call& call, unsigned argument) {
  return std::min<std::uint64_t>(call.word(argument), vfs::kTransferMost);
}

}  // namespace

Done read_file(Call& call, vfs::File& file, vfs::Output& out, std::size_t count) {
  auto waiter = call.waiter();
  return file.read(out, count, waiter);
}

Done write_file(Call& call, vfs::File& file, vfs::Input& in, std::size_t count) {
  if (auto* const socket = socket::Socket::of(file)) return write_socket(call, *socket, in, count);
  auto waiter = call.waiter();
  const auto done = file.write(in, count, waiter);
  if (!done && done.error() == Errno::BrokenPipe) call.broken_pipe();
  return done;
}

Done do_read(Call& call) {
  FB_ASSIGN(const auto file, file_of(call));
  ProgramOutput out(call.memory(), call.address(1));
  return read_file(call, *file, out, count_of(call, 2));
}
Done do_write(Call& call) {
  FB_ASSIGN(const auto file, file_of(call));
  ProgramInput in(call.memory(), call.address(1));
  return write_file(call, *file, in, count_of(call, 2));
}
Done do_readv(Call& call) {
  FB_ASSIGN(const auto file, file_of(call));
  FB_ASSIGN(auto pieces, Pieces::read(call, call.address(1), call.word(2), Errno::Invalid));
  PiecesOutput out(call.memory(), pieces);
  return read_file(call, *file, out, pieces.size());
}
Done do_writev(Call& call) {
  FB_ASSIGN(const auto file, file_of(call));
  FB_ASSIGN(auto pieces, Pieces::read(call, call.address(1), call.word(2), Errno::Invalid));
  PiecesInput in(call.memory(), pieces);
  return write_file(call, *file, in, pieces.size());
}

Done do_pread64(Call& call) {
  FB_ASSIGN(const auto file, file_of(call));
  ProgramOutput out(call.memory(), call.address(1));
  return file->read_at(static_cast<std::int64_t>(call.word(3)), out, count_of(call, 2));
}

Done do_pwrite64(Call& call) {
  FB_ASSIGN(const auto file, file_of(call));
  ProgramInput in(call.memory(), call.address(1));
  return file->write_at(static_cast<std::int64_t>(call.word(3)), in, count_of(call, 2));
}

Done do_lseek(Call& call) {
  FB_ASSIGN(const auto file, file_of(call));
  return file->seek(static_cast<std::int64_t>(call.word(1)), static_cast<vfs::Whence>(call.word32(2)));
}

Done do_ftruncate(Call& call) {
  FB_ASSIGN(const auto file, file_of(call));
  FB_TRY(file->truncate(static_cast<std::int64_t>(call.word(1))));
  return 0;
}

Done do_getdents64(Call& call) {
  FB_ASSIGN(const auto file, file_of(call));
  ProgramOutput out(call.memory(), call.address(1));
  return file->entries(out, call.word32(2));
}

namespace {

class ProgramIoctl final : public vfs::IoctlCaller {
 public:
  explicit ProgramIoctl(Call& call)
      : call_(call),
        waiter_(call.waiter()),
        out_(call.memory(), call.address(2)),
        in_(call.memory(), call.address(2)) {}
  Answer<> put(std::span<const std::byte> bytes) override { return out_.put(bytes); }
  Answer<> take(std::span<std::byte> bytes) override { return in_.take(bytes); }
  vfs::Waiter& waiter() override { return waiter_; }
  Answer<vfs::Descriptor> add(const Ref<vfs::File>& file, bool close_on_exec) override {
    return call_.process.descriptors.add(file, close_on_exec);
  }

 private:
  Call& call_;
  task::FibreWaiter waiter_;
  ProgramOutput out_;
  ProgramInput in_;
};

}  // namespace

Done do_ioctl(Call& call) {
  FB_ASSIGN(const auto file, file_of(call));
  if (file->path_only()) return fail(Errno::BadDescriptor);
  // Of every file (ioctl(2)): FIONCLEX, FIOCLEX, FIONBIO.
  enum Request : std::uint32_t { kKeepOnExec = 0x5450, kCloseOnExec = 0x5451, kNonBlock = 0x5421 };
  switch (call.word32(1)) {
    case kKeepOnExec:
    case kCloseOnExec:
      FB_TRY(call.process.descriptors.set_close_on_exec(call.number32(0), call.word32(1) == kCloseOnExec));
      return 0;
    case kNonBlock: {
      FB_ASSIGN(const auto on, call.get<std::int32_t>(call.address(2)));
      const auto others = file->flags() & ~vfs::flag::kNonBlock;
      file->set_flags(others | (on != 0 ? vfs::flag::kNonBlock : 0));
      return 0;
    }
    default:
      break;
  }
  ProgramIoctl caller(call);
  return file->ioctl(call.word32(1), call.word(2), caller);
}

namespace {

Done make_pipe(Call& call, std::uint32_t flags) {
  constexpr auto kKnown = vfs::flag::kCloseOnExec | vfs::flag::kNonBlock;
  if ((flags & ~kKnown) != 0) return fail(Errno::Invalid);
  vfs::Attributes attributes;
  attributes.mode = vfs::mode::kFifo | 0600;
  attributes.links = 1;
  FB_ASSIGN(const auto ends,
            vfs::make_pipe(call.process.system.frames, attributes, flags & vfs::flag::kNonBlock));
  auto& descriptors = call.process.descriptors;
  const bool closes = (flags & vfs::flag::kCloseOnExec) != 0;
  FB_ASSIGN(const auto reading, descriptors.add(ends.read, closes));
  const auto writing = descriptors.add(ends.write, closes);
  const auto told =
      writing ? call.put(call.address(0), std::array{reading, *writing}) : fail(writing.error());
  if (told) return 0;
  static_cast<void>(descriptors.close(reading));
  if (writing) static_cast<void>(descriptors.close(*writing));
  return fail(told.error());
}

}  // namespace

Done do_pipe(Call& call) { return make_pipe(call, 0); }
Done do_pipe2(Call& call) { return make_pipe(call, call.word32(1)); }

Done do_close(Call& call) {
  FB_TRY(call.process.descriptors.close(call.number32(0)));
  return 0;
}

Done do_dup(Call& call) {
  FB_ASSIGN(const auto made, call.process.descriptors.duplicate(call.number32(0)));
  return static_cast<std::uint64_t>(made);
}

Done do_dup2(Call& call) {
  FB_TRY(call.process.descriptors.duplicate_to(call.number32(0), call.number32(1)));
  return call.word32(1);
}

Done do_dup3(Call& call) {
  if ((call.word32(2) & ~vfs::flag::kCloseOnExec) != 0) return fail(Errno::Invalid);
  FB_TRY(
      call.process.descriptors.duplicate_to_other(call.number32(0), call.number32(1), call.word32(2) != 0));
  return call.word32(1);
}

}  // namespace fb::libos::posix::call

#include "libos/posix/call/uring_submitter.hpp"

#include "libos/posix/call/handlers.hpp"
#include "libos/posix/call/pieces.hpp"
#include "libos/posix/socket/abi.hpp"
#include "libos/posix/uring/ring.hpp"

namespace fb::libos::posix::call {
namespace {

using uring::Opcode;

/// Whoever lends the caller's fibre its name gets it back.
class Acting {
 public:
  Acting(rt::Fibre& fibre, task::Thread& thread)
      : fibre_(fibre), before_(std::exchange(fibre.owner, &thread)) {}
  ~Acting() { fibre_.owner = before_; }
  Acting(const Acting&) = delete;
  Acting& operator=(const Acting&) = delete;

 private:
  rt::Fibre& fibre_;
  void* before_;
};

/// RWF_*: what changes nothing where there is no disk. Errors: NotSupported.
Answer<> check_kind(std::uint32_t flags) {
  constexpr std::uint32_t kKnown = 0x8f;
  return (flags & ~kKnown) != 0 ? fail(Errno::NotSupported) : Answer<>();
}

Answer<Pieces> pieces_of(const uring::Request& request) {
  if (!request.operation.pieces) {
    return Pieces::one(core::VirtAddr(request.sqe.address), request.sqe.length);
  }
  Vector<Piece> pieces;
  FB_TRY(pieces.reserve(request.pieces.size()));
  for (const auto& [address, size] : request.pieces)
    FB_TRY(pieces.push_back({.address = address, .size = size}));
  return Pieces::of(pieces.view());
}

/// At its offset, where the file has offsets; where it stands for -1.
Done transfer(Call& call, const uring::Request& request, bool writes) {
  FB_TRY(check_kind(request.sqe.how));
  FB_ASSIGN(auto pieces, pieces_of(request));
  const auto offset = static_cast<std::int64_t>(request.sqe.offset);
  vfs::File& file = *call.given;
  const bool regular = file.inode() && file.inode()->is(vfs::mode::kRegular);
  const bool stands = offset == -1 || !regular;
  if (writes) {
    PiecesInput in(call.memory(), pieces);
    return stands ? write_file(call, file, in, pieces.size()) : file.write_at(offset, in, pieces.size());
  }
  PiecesOutput out(call.memory(), pieces);
  return stands ? read_file(call, file, out, pieces.size()) : file.read_at(offset, out, pieces.size());
}

/// What the call with these arguments does.
Done carry(Call& call, const uring::Request& request) {
  const auto& sqe = request.sqe;
  const auto as = [&](Handler handler, std::array<std::uint64_t, 6> arguments) {
    call.arguments = arguments;
    return handler(call);
  };
  const auto number = static_cast<std::uint64_t>(static_cast<std::int64_t>(sqe.descriptor));
  constexpr std::uint32_t kQuiet = socket::message::kNoSignal;
  switch (static_cast<Opcode>(sqe.opcode)) {
    case Opcode::Read:
    case Opcode::ReadV:
    case Opcode::ReadFixed:
      return transfer(call, request, false);
    case Opcode::Write:
    case Opcode::WriteV:
    case Opcode::WriteFixed:
      return transfer(call, request, true);
    case Opcode::FileSync:
      return as(do_fsync, {number});
    case Opcode::SyncFileRange:
      return as(do_sync_file_range, {number, sqe.offset, sqe.length, sqe.how});
    case Opcode::Allocate:
      return as(do_fallocate, {number, sqe.length, sqe.offset, sqe.address});
    case Opcode::Advise:
      return as(do_fadvise64, {number, sqe.offset, sqe.length, sqe.how});
    case Opcode::AdviseMemory:
      return as(do_madvise, {sqe.address, sqe.length, sqe.how});
    case Opcode::Accept:
      return as(do_accept4, {number, sqe.address, sqe.offset, sqe.how});
    case Opcode::Connect:
      return as(do_connect, {number, sqe.address, sqe.offset});
    case Opcode::Send:
      return as(do_sendto, {number, sqe.address, sqe.length, sqe.how | kQuiet, sqe.offset,
                            static_cast<std::uint16_t>(sqe.file_index)});
    case Opcode::Receive:
      return as(do_recvfrom, {number, sqe.address, sqe.length, sqe.how});
    case Opcode::SendMessage:
      return as(do_sendmsg, {number, sqe.address, sqe.how | kQuiet});
    case Opcode::ReceiveMessage:
      return as(do_recvmsg, {number, sqe.address, sqe.how});
    case Opcode::ShutDown:
      return as(do_shutdown, {number, sqe.length});
    case Opcode::OpenAt:
      return as(do_openat, {number, sqe.address, sqe.how | vfs::flag::kLargeFile, sqe.length});
    case Opcode::OpenAt2:
      return as(do_openat2, {number, sqe.address, sqe.offset, sqe.length});
    case Opcode::Close: {
      FB_ASSIGN(const auto file, call.process.descriptors.get(sqe.descriptor));
      if (vfs::file_as<uring::Ring>(*file) != nullptr) return fail(Errno::BadDescriptor);
      return as(do_close, {number});
    }
    case Opcode::StatX:
      return as(do_statx, {number, sqe.address, sqe.how, sqe.length, sqe.offset});
    case Opcode::EpollControl:
      return as(do_epoll_ctl, {number, sqe.length, sqe.offset, sqe.address});
    case Opcode::RenameAt:
      return as(do_renameat2, {number, sqe.address, sqe.length, sqe.offset, sqe.how});
    case Opcode::UnlinkAt:
      return as(do_unlinkat, {number, sqe.address, sqe.how});
    case Opcode::MakeDirectoryAt:
      return as(do_mkdirat, {number, sqe.address, sqe.length});
    case Opcode::SymlinkAt:
      return as(do_symlinkat, {sqe.address, number, sqe.offset});
    case Opcode::LinkAt:
      return as(do_linkat, {number, sqe.address, sqe.length, sqe.offset, sqe.how});
    default:
      return fail(Errno::Invalid);
  }
}

struct Work {
  uring::Request& request;
  task::Thread& thread;
};

}  // namespace

Answer<uring::Submitter*> ThreadSubmitter::of(const Call& call) {
  auto& its = call.thread.submitter;
  if (!its) its.reset(new (std::nothrow) ThreadSubmitter(call.thread));
  if (!its) return fail(Errno::NoMemory);
  return its.get();
}

Answer<std::uint64_t> ThreadSubmitter::carry_out(uring::Request& request, vfs::Patience& patience) {
  const Acting acting(*thread_.process.system.fibres.current(), thread_);
  Call call{.process = thread_.process,
            .thread = thread_,
            .number = 0,
            .arguments = {},
            .given = request.file,
            .patience = &patience};
  return carry(call, request);
}

Answer<> ThreadSubmitter::start_worker(uring::Request& request) {
  std::unique_ptr<Work> work(new (std::nothrow) Work{request, thread_});
  if (!work) return fail(Errno::NoMemory);
  const auto fibre = thread_.process.system.fibres.spawn(
      [](void* argument) {
        const Work its = *static_cast<Work*>(argument);
        delete static_cast<Work*>(argument);
        uring::Ring::work(its.request, its.thread.process.system.rings);
      },
      work.get(), true);
  if (!fibre) return fail(Errno::NoMemory);
  thread_.process.system.fibres.set_terms(**fibre, thread_.scheduling.terms());
  static_cast<void>(work.release());
  return {};
}

}  // namespace fb::libos::posix::call

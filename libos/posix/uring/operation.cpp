#include "libos/posix/uring/operation.hpp"

#include "libos/posix/vfs/abi.hpp"

namespace fb::libos::posix::uring {
namespace {

/// Fields that an operation has no use for; they have to be 0.
enum Unused : std::uint8_t { kOffset = 1, kAddress = 2, kLength = 4, kHow = 8, kBuffer = 16, kIndex = 32 };
constexpr std::uint8_t kBoth = kBuffer | kIndex;

enum Trait : std::uint8_t { kFile = 1, kTransfer = 2, kPieces = 4, kFixed = 8, kPriority = 16 };
constexpr std::uint8_t kReadOrWrite = kFile | kTransfer | kPriority, kMessage = kFile | kPriority;

struct Row {
  Kind kind = Kind::Carry;
  std::uint8_t traits = 0, unused = 0;
  std::uint32_t waits_for = 0;
  bool there = false;
};

constexpr auto kRows = [] {
  std::array<Row, kOpcodes> rows{};
  const auto set = [&](Opcode opcode, Row row) {
    row.there = true;
    rows[static_cast<std::size_t>(opcode)] = row;
  };
  constexpr auto kIn = vfs::poll::kIn, kOut = vfs::poll::kOut;
  set(Opcode::Nop, {Kind::Nop, 0, kHow});
  set(Opcode::ReadV, {Kind::Carry, kReadOrWrite | kPieces, 0, kIn});
  set(Opcode::WriteV, {Kind::Carry, kReadOrWrite | kPieces, 0, kOut});
  set(Opcode::ReadFixed, {Kind::Carry, kReadOrWrite | kFixed, 0, kIn});
  set(Opcode::WriteFixed, {Kind::Carry, kReadOrWrite | kFixed, 0, kOut});
  set(Opcode::Read, {Kind::Carry, kReadOrWrite, 0, kIn});
  set(Opcode::Write, {Kind::Carry, kReadOrWrite, 0, kOut});
  set(Opcode::FileSync, {Kind::Carry, kFile, kAddress | kBoth});
  set(Opcode::SyncFileRange, {Kind::Carry, kFile, kAddress | kBoth});
  set(Opcode::Allocate, {Kind::Carry, kFile, kHow | kBoth});
  set(Opcode::Advise, {Kind::Carry, kFile, kBoth});
  set(Opcode::AdviseMemory, {Kind::Carry, 0, kOffset | kBoth});
  set(Opcode::PollAdd, {Kind::Poll, kFile, kOffset | kAddress | kBuffer});
  set(Opcode::PollRemove, {Kind::PollRemove, 0, kOffset | kLength | kBoth});
  set(Opcode::Timeout, {Kind::Timeout, 0, kBoth});
  set(Opcode::TimeoutRemove, {Kind::TimeoutRemove, 0, kLength | kBoth});
  set(Opcode::LinkTimeout, {Kind::LinkTimeout, 0, kOffset | kBoth});
  set(Opcode::AsyncCancel, {Kind::Cancel, 0, kOffset | kIndex});
  set(Opcode::Accept, {Kind::Carry, kMessage, kLength | kBoth, kIn});
  set(Opcode::Connect, {Kind::Carry, kFile, kLength | kHow | kBoth});
  set(Opcode::Send, {Kind::Carry, kMessage, kBuffer, kOut});
  set(Opcode::Receive, {Kind::Carry, kMessage, kOffset | kBoth, kIn});
  set(Opcode::SendMessage, {Kind::Carry, kMessage, kOffset | kBoth, kOut});
  set(Opcode::ReceiveMessage, {Kind::Carry, kMessage, kOffset | kBoth, kIn});
  set(Opcode::ShutDown, {Kind::Carry, kFile, kOffset | kAddress | kHow | kBoth});
  set(Opcode::OpenAt, {Kind::Carry, 0, kBoth});
  set(Opcode::OpenAt2, {Kind::Carry, 0, kBoth});
  set(Opcode::Close, {Kind::Carry, 0, kOffset | kAddress | kLength | kHow | kBoth});
  set(Opcode::StatX, {Kind::Carry, 0, kBoth});
  set(Opcode::EpollControl, {Kind::Carry, 0, kBoth});
  set(Opcode::RenameAt, {Kind::Carry, 0, kBoth});
  set(Opcode::UnlinkAt, {Kind::Carry, 0, kOffset | kLength | kBoth});
  set(Opcode::MakeDirectoryAt, {Kind::Carry, 0, kOffset | kHow | kBoth});
  set(Opcode::SymlinkAt, {Kind::Carry, 0, kLength | kHow | kBoth});
  set(Opcode::LinkAt, {Kind::Carry, 0, kBoth});
  return rows;
}();

bool fills_unused(const Sqe& sqe, std::uint8_t unused) {
  return ((unused & kOffset) != 0 && sqe.offset != 0) || ((unused & kAddress) != 0 && sqe.address != 0) ||
         ((unused & kLength) != 0 && sqe.length != 0) || ((unused & kHow) != 0 && sqe.how != 0) ||
         ((unused & kBuffer) != 0 && sqe.buffer != 0) || ((unused & kIndex) != 0 && sqe.file_index != 0);
}

Answer<> check_timeout(const Sqe& sqe, Kind kind) {
  using namespace timeout;
  constexpr std::uint32_t kSet = kAbsolute | kBootTime | kRealTime | kTimeSuccess,
                          kChange = kUpdate | kLinkUpdate | kAbsolute | kBootTime | kRealTime;
  constexpr std::uint32_t kClocks = kBootTime | kRealTime;
  const auto how = sqe.how;
  if ((sqe.flags & sqe::kFixedFile) != 0) return fail(Errno::Invalid);
  if ((how & ~(kind == Kind::TimeoutRemove ? kChange : kSet)) != 0) return fail(Errno::Invalid);
  if ((how & kClocks) == kClocks) return fail(Errno::Invalid);
  if (kind == Kind::TimeoutRemove) {
    const bool updates = (how & (kUpdate | kLinkUpdate)) != 0;
    return how != 0 && !updates ? fail(Errno::Invalid) : Answer<>();
  }
  return sqe.length == 1 ? Answer<>() : fail(Errno::Invalid);
}

/// Flags of one operation. Errors: Invalid.
Answer<> check_how(const Sqe& sqe, Operation& operation) {
  constexpr std::uint32_t kDontWait = 0x40, kNoWaitFlag = 8;
  switch (static_cast<Opcode>(sqe.opcode)) {
    case Opcode::FileSync:
      return (sqe.how & ~kDataSync) != 0 ? fail(Errno::Invalid) : Answer<>();
    case Opcode::PollAdd:
      if ((sqe.length & ~kPollMany) != 0) return fail(Errno::Invalid);
      operation.many = sqe.length != 0;
      return {};
    case Opcode::AsyncCancel: {
      using namespace cancel;
      if ((sqe.how & ~kKnown) != 0) return fail(Errno::Invalid);
      return (sqe.how & kAny) != 0 && (sqe.how & (kDescriptor | kOpcode)) != 0 ? fail(Errno::Invalid)
                                                                               : Answer<>();
    }
    case Opcode::Accept:
      if ((sqe.priority & ~kAcceptMany) != 0) return fail(Errno::Invalid);
      operation.many = sqe.priority != 0;
      return {};
    case Opcode::Send:
    case Opcode::Receive:
    case Opcode::SendMessage:
    case Opcode::ReceiveMessage:
      operation.no_wait = (sqe.how & kDontWait) != 0;
      return (sqe.priority & ~kPollFirst) != 0 ? fail(Errno::Invalid) : Answer<>();
    case Opcode::Timeout:
    case Opcode::LinkTimeout:
    case Opcode::TimeoutRemove:
      return check_timeout(sqe, operation.kind);
    default:
      if (operation.transfers) operation.no_wait = (sqe.how & kNoWaitFlag) != 0;
      return {};
  }
}

}  // namespace

bool known(std::uint8_t opcode) { return opcode < kOpcodes && kRows[opcode].there; }

Answer<Operation> decode(const Sqe& submission) {
  const Sqe& sqe = submission;
  if (!known(sqe.opcode)) return fail(Errno::Invalid);
  const Row& row = kRows[sqe.opcode];
  if ((sqe.flags & ~sqe::kKnown) != 0) return fail(Errno::Invalid);
  if ((sqe.flags & sqe::kSelectBuffer) != 0) return fail(Errno::NotSupported);
  constexpr auto kNever = sqe::kSkipSuccess | sqe::kDrain;
  if ((sqe.flags & kNever) == kNever) return fail(Errno::NotSupported);
  if (sqe.priority != 0 && (row.traits & kPriority) == 0) return fail(Errno::Invalid);
  if (sqe.personality != 0 || fills_unused(sqe, row.unused)) return fail(Errno::Invalid);
  Operation operation{.kind = row.kind,
                      .waits_for = row.waits_for,
                      .has_file = (row.traits & kFile) != 0,
                      .transfers = (row.traits & kTransfer) != 0,
                      .pieces = (row.traits & kPieces) != 0,
                      .registered_memory = (row.traits & kFixed) != 0};
  // A number of a registered file where a directory, or a descriptor to be closed, is meant.
  if (row.kind == Kind::Carry && !operation.has_file && (sqe.flags & sqe::kFixedFile) != 0) {
    return fail(Errno::BadDescriptor);
  }
  FB_TRY(check_how(sqe, operation));
  return operation;
}

}  // namespace fb::libos::posix::uring

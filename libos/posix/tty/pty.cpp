#include "libos/posix/tty/pty.hpp"

namespace fb::libos::posix::tty {

Answer<> Pty::opened() {
  if (locked || master_gone_) return fail(Errno::Io);
  ++slaves_;
  ever_opened_ = true;
  return {};
}

void Pty::closed() {
  if (--slaves_ == 0) to_take.wake_all();
}

void Pty::master_closed() {
  master_gone_ = true;
  packets = false;
  hang_up(false);
}

/// The later of two that contradict each other counts.
void Pty::happened(std::uint8_t what) {
  if (!packets) return;
  unsigned news = news_;
  for (const unsigned pair : {0U | packet::kStop | packet::kStart, 0U | packet::kDoStop | packet::kNoStop}) {
    if ((what & pair) != 0) news &= ~pair;
  }
  news_ = static_cast<std::uint8_t>(news | what);
  to_take.wake_all();
}

MasterFile::~MasterFile() {
  names_.remove(pty_->number());
  pty_->master_closed();
}

Answer<std::size_t> MasterFile::on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) {
  if (count == 0) return 0;
  while (pty_->news() == 0 && pty_->output() == 0) {
    if (pty_->abandoned()) return fail(Errno::Io);
    if (!blocks()) return fail(Errno::TryAgain);
    FB_TRY(waiter.wait(pty_->to_take));
  }
  if (!pty_->packets) return take(out, count);
  const auto news = pty_->news() != 0 ? pty_->take_news() : packet::kData;
  FB_TRY(out.put(std::as_bytes(std::span(&news, 1))));
  if (news != packet::kData) return 1;
  const auto taken = take(out, count - 1);
  return 1 + taken.value_or(0);
}

/// As much as there is. Errors: Fault, when none has been put.
Answer<std::size_t> MasterFile::take(vfs::Output& out, std::size_t count) {
  std::array<std::uint8_t, 512> piece;
  std::size_t done = 0;
  while (done < count) {
    const auto got = pty_->take(std::span(piece).first(std::min(count - done, piece.size())));
    if (got == 0) break;
    if (const auto put = out.put(std::as_bytes(std::span(piece).first(got))); !put) {
      if (done == 0) return fail(put.error());
      break;
    }
    done += got;
  }
  return done;
}

Answer<std::size_t> MasterFile::on_write(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) {
  std::array<std::uint8_t, 512> piece;
  std::size_t done = 0;
  while (done < count) {
    Answer<> next;
    if (const auto room = pty_->room_to_type(); room != 0) {
      const auto some = std::span(piece).first(std::min({room, count - done, piece.size()}));
      next = in.take(std::as_writable_bytes(some));
      if (next) done += pty_->type(some);
    } else {
      next = blocks() ? waiter.wait(pty_->to_type) : fail(Errno::TryAgain);
    }
    if (next) continue;
    if (done == 0) return fail(next.error());
    break;
  }
  return done;
}

vfs::PollState MasterFile::poll() {
  vfs::PollState state{.events = 0, .queues = {&pty_->to_take, &pty_->to_type}};
  if (pty_->output() != 0 || pty_->news() != 0) state.events |= vfs::poll::kIn | vfs::poll::kReadNormal;
  if (pty_->news() != 0) state.events |= vfs::poll::kPriority;
  if (pty_->room_to_type() != 0) state.events |= vfs::poll::kOut | vfs::poll::kWriteNormal;
  if (pty_->abandoned()) state.events |= vfs::poll::kHangUp;
  return state;
}

Answer<std::uint64_t> MasterFile::ioctl(std::uint32_t request, std::uint64_t argument,
                                        vfs::IoctlCaller& caller) {
  if (path_only()) return fail(Errno::BadDescriptor);
  return master_ioctl(static_cast<Request>(request), {.terminal = *pty_,
                                                      .from_master = true,
                                                      .readable = readable(),
                                                      .argument = argument,
                                                      .caller = caller});
}

Answer<std::uint64_t> MasterFile::master_ioctl(Request request, const Asked& asked) {
  const auto give = [&](std::size_t value) -> Answer<std::uint64_t> {
    FB_TRY(asked.caller.give(static_cast<std::int32_t>(value)));
    return 0;
  };
  switch (request) {
    case Request::GetNumber:
      return give(pty_->number());
    case Request::GetLock:
      return give(pty_->locked ? 1 : 0);
    case Request::SetLock: {
      FB_ASSIGN(const auto value, asked.caller.fetch<std::int32_t>());
      pty_->locked = value != 0;
      return 0;
    }
    case Request::GetPacket:
      return give(pty_->packets ? 1 : 0);
    case Request::SetPacket: {
      FB_ASSIGN(const auto value, asked.caller.fetch<std::int32_t>());
      if (value != 0 && !pty_->packets) pty_->forget_news();
      pty_->packets = value != 0;
      return 0;
    }
    case Request::SendSignal:
      for (const auto signal : {Signal::Interrupt, Signal::Quit, Signal::TerminalStop}) {
        if (static_cast<std::uint32_t>(asked.argument) != static_cast<std::uint32_t>(signal)) continue;
        pty_->control().send(signal);
        return 0;
      }
      return fail(Errno::Invalid);
    case Request::OpenPeer:
      return open_peer(static_cast<std::uint32_t>(asked.argument), asked.caller);
    case Request::Readable:
      return give(pty_->output());
    case Request::Unsent:
      return give(0);
    case Request::Flush:
      return flush(asked.argument);
    case Request::Break:
    case Request::BreakTime:
    case Request::BreakOn:
    case Request::BreakOff:
    case Request::Flow:
      return 0;  // of the master's own output, which nothing stops
    default:
      return terminal_ioctl(request, asked);
  }
}

/// Its input is what the slave wrote, its output what the slave has not looked at yet.
Answer<std::uint64_t> MasterFile::flush(std::uint64_t which) {
  const auto queue = static_cast<FlushQueue>(which);
  if (queue > FlushQueue::Both) return fail(Errno::Invalid);
  if (queue != FlushQueue::Output) pty_->forget_output();
  if (queue != FlushQueue::Input) pty_->forget_typed();
  return 0;
}

Answer<std::uint64_t> MasterFile::open_peer(std::uint32_t flags, vfs::IoctlCaller& caller) {
  const auto inode = names_.slave(pty_->number());
  if (!inode) return fail(Errno::Io);
  FB_ASSIGN(const auto file, TerminalFile::open(pty_, inode, flags, jobs_));
  FB_ASSIGN(const auto number, caller.add(file, (flags & vfs::flag::kCloseOnExec) != 0));
  return static_cast<std::uint64_t>(number);
}

}  // namespace fb::libos::posix::tty

#include "libos/posix/tty/terminal_file.hpp"

namespace fb::libos::posix::tty {
namespace {

constexpr core::Nanoseconds kTenth{100'000'000};  // what VTIME counts

}  // namespace

Answer<Ref<vfs::File>> TerminalFile::open(const Ref<Terminal>& terminal, const Ref<vfs::Inode>& inode,
                                          std::uint32_t flags, const JobControl& jobs, As as) {
  if (terminal->exclusive && !jobs.caller().privileged) return fail(Errno::Busy);
  FB_TRY(terminal->opened());
  const auto file = make_shared<TerminalFile>(terminal, inode, flags, as);
  if (!file) {
    terminal->closed();
    return fail(file.error());
  }
  if (as != As::Console && (flags & vfs::flag::kNoTerminal) == 0)
    terminal->control().offer((*file)->readable());
  return Ref<vfs::File>(*file);
}

/// By lines: one of them. By bytes: until VMIN are there, or time is up: VTIME counts from the start when VMIN is 0, else
/// from the byte before (POSIX.1-2024, 11.1.7).
Answer<std::size_t> TerminalFile::on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) {
  if (hung_up()) return 0;
  if (as_ != As::Console) FB_TRY(terminal_->control().check(Signal::TerminalInput));
  const bool lines = canonical();
  const std::size_t least = lines ? 0 : std::max<std::size_t>(character(Special::Minimum), 1);
  const auto time = kTenth * character(Special::Time);
  const bool timed = !lines && character(Special::Minimum) == 0;
  auto deadline = timed ? waiter.now() + time : vfs::kForever;
  std::array<std::uint8_t, LineDiscipline::kCapacity> bytes;
  std::size_t done = 0;
  while (done < count) {
    if (!terminal_->line().available()) {
      Answer<> next;
      if (terminal_->far_side_gone()) {
        next = fail(Errno::Io);
      } else if (hung_up() || (timed && waiter.now() >= deadline)) {
        break;
      } else if (!blocks()) {
        next = fail(Errno::TryAgain);
      } else {
        next = waiter.wait(terminal_->to_read, deadline);
        if (!next && next.error() == Errno::TimedOut) break;
      }
      if (next) continue;
      if (done == 0) return fail(next.error());
      break;
    }
    const auto got = terminal_->read(std::span(bytes).first(std::min(count - done, bytes.size())));
    if (const auto put = out.put(std::as_bytes(std::span(bytes).first(got))); !put) {
      if (done == 0) return fail(put.error());
      break;
    }
    done += got;
    if (canonical() || done >= least) break;
    if (!timed && time != core::Nanoseconds(0)) deadline = waiter.now() + time;
  }
  terminal_->push();
  return done;
}

Answer<std::size_t> TerminalFile::on_write(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) {
  if (hung_up()) return fail(Errno::Io);
  const bool stops = (terminal_->line().settings().local & local::kBackgroundStops) != 0;
  if (stops && as_ != As::Console) FB_TRY(terminal_->control().check(Signal::TerminalOutput));
  FB_TRY(wait_for_turn(waiter));
  terminal_->writing = true;
  const auto done = write_all(in, count, waiter);
  terminal_->writing = false;
  terminal_->to_write.wake_all();
  return done;
}

Answer<> TerminalFile::wait_for_turn(vfs::Waiter& waiter) {
  while (terminal_->writing) {
    if (!blocks()) return fail(Errno::TryAgain);
    FB_TRY(waiter.wait(terminal_->to_write));
  }
  return {};
}

Answer<std::size_t> TerminalFile::write_all(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) {
  std::array<std::uint8_t, 256> piece;
  std::size_t done = 0;
  while (done < count) {
    Answer<> next;
    if (hung_up() || terminal_->far_side_gone()) {
      next = fail(Errno::Io);
    } else if (const auto room = terminal_->room_to_write(); room != 0) {
      const auto some = std::span(piece).first(std::min({room, count - done, piece.size()}));
      next = in.take(std::as_writable_bytes(some));
      if (next) {
        terminal_->write(some);
        done += some.size();
      }
    } else {
      terminal_->push();
      if (terminal_->room_to_write() != 0) continue;
      next = blocks() ? waiter.wait(terminal_->to_write) : fail(Errno::TryAgain);
    }
    if (next) continue;
    if (done == 0) return fail(next.error());
    break;
  }
  terminal_->push();
  return done;
}

vfs::PollState TerminalFile::poll() {
  vfs::PollState state{.events = 0};
  if (hung_up()) {
    state.events = kAlwaysReady | vfs::poll::kError | vfs::poll::kHangUp;
    return state;
  }
  state.queues = {&terminal_->to_read, &terminal_->to_write};
  const auto& line = terminal_->line();
  // With VMIN and without VTIME, a read waits for as many as that.
  const bool many = !canonical() && character(Special::Time) == 0 && character(Special::Minimum) != 0;
  const std::size_t least = many ? character(Special::Minimum) : 1;
  if (canonical() ? line.available() : line.readable() >= least) {
    state.events |= vfs::poll::kIn | vfs::poll::kReadNormal;
  }
  if (terminal_->room_to_write() != 0) state.events |= vfs::poll::kOut | vfs::poll::kWriteNormal;
  if (terminal_->far_side_gone()) state.events |= vfs::poll::kHangUp;
  return state;
}

Answer<std::uint64_t> TerminalFile::ioctl(std::uint32_t request, std::uint64_t argument,
                                          vfs::IoctlCaller& caller) {
  const auto what = static_cast<Request>(request);
  if (hung_up()) return fail(what == Request::SetGroup ? Errno::NotTerminal : Errno::Io);
  if (path_only()) return fail(Errno::BadDescriptor);
  const Asked asked{.terminal = *terminal_,
                    .from_master = false,
                    .readable = readable(),
                    .argument = argument,
                    .caller = caller};
  const auto answer = terminal_ioctl(what, asked);
  terminal_->push();
  return answer;
}

}  // namespace fb::libos::posix::tty

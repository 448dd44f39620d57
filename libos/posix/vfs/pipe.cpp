#include "libos/posix/vfs/pipe.hpp"

#include <algorithm>

namespace fb::libos::posix::vfs {

Pipe::~Pipe() {
  for (const FrameId frame : slots_) {
    if (frame != FrameId(0)) frames_.release(frame);
  }
}

void Pipe::drop(std::uint64_t page) {
  FrameId& slot = slots_[page % slots_.size()];
  if (slot != FrameId(0)) frames_.release(std::exchange(slot, FrameId(0)));
}

void Pipe::keep(std::uint64_t page) {
  FrameId& slot = slots_[page % slots_.size()];
  if (slots_.front() == FrameId(0)) std::swap(slots_.front(), slot);
  if (&slot != &slots_.front()) drop(page);
}

Answer<std::size_t> Pipe::take(Output& out, std::size_t count) {
  count = std::min(count, held());
  std::size_t done = 0;
  while (done < count) {
    const std::uint64_t page = read_ >> core::kPageShift;
    const std::size_t within = read_ & core::kPageMask;
    const std::size_t piece = std::min(count - done, core::kPageSize - within);
    if (const auto put = out.put(frames_.bytes(slots_[page % slots_.size()]).subspan(within, piece)); !put) {
      if (done == 0) return fail(put.error());
      break;
    }
    read_ += piece;
    done += piece;
    // The slot may hold the beginning of a later page, too.
    const bool left = read_ >> core::kPageShift != page && written_ <= (page + slots_.size())
                                                                           << core::kPageShift;
    if (read_ == written_) {
      keep(page);
    } else if (left) {
      drop(page);
    }
  }
  // An empty pipe begins with a page again: the full 64 KiB fit in its slots.
  if (read_ == written_) read_ = written_ = 0;
  return done;
}

Answer<std::size_t> Pipe::peek(Output& out, std::size_t count) {
  count = std::min(count, held());
  std::size_t done = 0;
  while (done < count) {
    const std::uint64_t at = read_ + done;
    const std::size_t within = at & core::kPageMask;
    const std::size_t piece = std::min(count - done, core::kPageSize - within);
    const FrameId frame = slots_[(at >> core::kPageShift) % slots_.size()];
    if (const auto put = out.put(frames_.bytes(frame).subspan(within, piece)); !put) {
      if (done == 0) return fail(put.error());
      break;
    }
    done += piece;
  }
  return done;
}

void Pipe::skip(std::size_t count) {
  struct Nowhere final : Output {
    Answer<> put(std::span<const std::byte> /*bytes*/) override { return {}; }
  } nowhere;
  static_cast<void>(take(nowhere, count));
}

Answer<std::size_t> Pipe::resize(std::size_t bytes) {
  if (bytes > std::size_t{1} << 31) return fail(Errno::Invalid);
  if (bytes > kLargest) return fail(Errno::Perm);
  std::size_t slots = 1;
  while (slots * core::kPageSize < bytes) slots *= 2;
  if (slots == slots_.size()) return capacity();
  if (slots * core::kPageSize < held()) return fail(Errno::Busy);
  Pipe other(frames_);
  while (other.more_slots_.size() < slots) FB_TRY(other.more_slots_.push_back(FrameId(0)));
  other.slots_ = {other.more_slots_.begin(), slots};
  std::array<std::byte, 512> some;
  for (std::uint64_t left = held(); left != 0;) {
    // From a copy of where reading is, so that nothing is lost when there is no memory.
    const std::uint64_t at = written_ - left;
    const std::size_t piece = std::min({left, some.size(), core::kPageSize - (at & core::kPageMask)});
    const FrameId frame = slots_[(at >> core::kPageShift) % slots_.size()];
    std::ranges::copy(frames_.bytes(frame).subspan(at & core::kPageMask, piece), some.data());
    BytesInput in({some.data(), piece});
    FB_ASSIGN(const std::size_t given, other.give(in, piece));
    if (given != piece) return fail(Errno::NoMemory);
    left -= piece;
  }
  for (FrameId& frame : slots_) {
    if (frame != FrameId(0)) frames_.release(std::exchange(frame, FrameId(0)));
  }
  more_slots_ = std::move(other.more_slots_);
  slots_ = {more_slots_.begin(), slots};
  other.slots_ = {};
  written_ = held();
  read_ = 0;
  to_write.wake_all();
  return capacity();
}

Answer<std::size_t> Pipe::give(Input& in, std::size_t count) {
  count = std::min(count, room());
  std::size_t done = 0;
  while (done < count) {
    const std::uint64_t page = written_ >> core::kPageShift;
    const std::size_t within = written_ & core::kPageMask;
    const std::size_t piece = std::min(count - done, core::kPageSize - within);
    FrameId& slot = slots_[page % slots_.size()];
    Answer<> taken;
    const bool fresh = slot == FrameId(0);
    if (fresh) {
      const auto frame = frames_.allocate();
      if (frame)
        slot = *frame;
      else
        taken = fail(frame.error());
    }
    if (taken) taken = in.take(frames_.bytes(slot).subspan(within, piece));
    if (!taken) {
      if (fresh) drop(page);
      if (done == 0) return fail(taken.error());
      break;
    }
    written_ += piece;
    done += piece;
  }
  return done;
}

PipeEnd::PipeEnd(const Ref<Inode>& inode, std::uint32_t flags, const Ref<Pipe>& pipe)
    : File(inode, flags), pipe_(pipe), writers_before_(pipe->writers == 0 ? pipe->writers_ever : 0) {
  if (readable()) {
    ++pipe_->readers;
    ++pipe_->readers_ever;
    pipe_->to_write.wake_all();
  }
  if (writable()) {
    ++pipe_->writers;
    ++pipe_->writers_ever;
    pipe_->to_read.wake_all();
  }
}

PipeEnd::~PipeEnd() {
  if (readable() && --pipe_->readers == 0) pipe_->to_write.wake_all();
  if (writable() && --pipe_->writers == 0) pipe_->to_read.wake_all();
  if (pipe_->readers == 0 && pipe_->writers == 0) inode()->attachment().reset();
}

Answer<std::size_t> PipeEnd::on_read(Output& out, std::size_t count, Waiter& waiter) {
  if (count == 0) return 0;
  while (pipe_->held() == 0) {
    if (pipe_->writers == 0) return 0;
    if (!blocks()) return fail(Errno::TryAgain);
    FB_TRY(waiter.wait(pipe_->to_read));
  }
  // Who waits to write has found less room than this; for others nothing changes (an edge, for epoll).
  const bool was_full = pipe_->room() < kPipeAtomic;
  auto done = pipe_->take(out, count);
  if (was_full) pipe_->to_write.wake_all();
  return done;
}

Answer<std::size_t> PipeEnd::on_write(Input& in, std::size_t count, Waiter& waiter) {
  std::size_t done = 0;
  while (done < count) {
    Answer<> next;
    const std::size_t least = count <= kPipeAtomic ? count : 1;
    if (pipe_->readers == 0) {
      next = fail(Errno::BrokenPipe);
    } else if (pipe_->room() >= least) {
      const auto given = pipe_->give(in, count - done);
      if (given) {
        done += *given;
        pipe_->to_read.wake_all();
        // Short though there was room: memory has ended, the program's or the LibOS's. The rest is not waited for.
        if (done < count && pipe_->room() != 0) return done;
      } else {
        next = fail(given.error());
      }
    } else if (!blocks()) {
      next = fail(Errno::TryAgain);
    } else {
      next = waiter.wait(pipe_->to_write);
    }
    if (next) continue;
    if (done == 0) return fail(next.error());
    return done;
  }
  return done;
}

PollState PipeEnd::poll() {
  PollState state{.events = 0, .split = true};
  if (readable()) {
    state.queues[0] = &pipe_->to_read;
    if (pipe_->held() != 0) state.events |= poll::kIn | poll::kReadNormal;
    // A FIFO that nobody has written to yet waits for the first.
    if (pipe_->writers == 0 && pipe_->writers_ever != writers_before_) state.events |= poll::kHangUp;
  }
  if (writable()) {
    state.queues[1] = &pipe_->to_write;
    if (pipe_->room() >= kPipeAtomic) state.events |= poll::kOut | poll::kWriteNormal;
    if (pipe_->readers == 0) state.events |= poll::kError;
  }
  return state;
}

Answer<std::uint64_t> PipeEnd::ioctl(std::uint32_t request, std::uint64_t argument, IoctlCaller& caller) {
  if (request != kReadableBytes) return File::ioctl(request, argument, caller);
  FB_TRY(caller.give(static_cast<std::int32_t>(pipe_->held())));
  return 0;
}

Answer<PipeEnds> make_pipe(Frames& frames, const Attributes& attributes, std::uint32_t flags) {
  FB_ASSIGN(const auto inode, make_shared<Inode>(attributes));
  inode->attributes().mode = mode::kFifo | 0600;
  FB_ASSIGN(const auto pipe, make_shared<Pipe>(frames));
  pipe->named = false;
  inode->attachment() = pipe;  // for who opens it again through /proc
  const std::uint32_t kept = flags & (flag::kNonBlock | flag::kDirect);
  FB_ASSIGN(const auto read, make_shared<PipeEnd>(inode, kept | flag::kRead, pipe));
  FB_ASSIGN(const auto write, make_shared<PipeEnd>(inode, kept | flag::kWrite, pipe));
  return PipeEnds{.read = read, .write = write};
}

Answer<Ref<File>> open_fifo(Frames& frames, const Ref<Inode>& inode, std::uint32_t flags, Waiter& waiter) {
  Ref<Pipe> pipe;
  if (const Ref<Attachment>& open = inode->attachment()) {
    pipe = Ref<Pipe>(static_cast<Pipe&>(*open));
  } else {
    FB_ASSIGN(pipe, make_shared<Pipe>(frames));
  }
  const std::uint32_t access = flags & flag::kAccess;
  const bool waits = (flags & flag::kNonBlock) == 0 && pipe->named;
  if (access == flag::kWrite && !waits && pipe->named && pipe->readers == 0)
    return fail(Errno::NoDeviceOrAddress);

  inode->attachment() = pipe;
  const auto end = make_shared<PipeEnd>(inode, flags, pipe);
  if (!end) {
    if (pipe->readers == 0 && pipe->writers == 0) inode->attachment().reset();
    return fail(end.error());
  }
  // One that has come counts even when it is gone by the time that this wakes.
  const bool writes = access == flag::kWrite;
  const std::uint64_t ever = writes ? pipe->readers_ever : pipe->writers_ever;
  while (waits && access != flag::kReadWrite && (writes ? pipe->readers : pipe->writers) == 0 &&
         (writes ? pipe->readers_ever : pipe->writers_ever) == ever) {
    FB_TRY(waiter.wait(writes ? pipe->to_write : pipe->to_read));
  }
  return *end;
}

}  // namespace fb::libos::posix::vfs

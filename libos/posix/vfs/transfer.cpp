#include "libos/posix/vfs/transfer.hpp"

#include <array>

#include "libos/posix/vfs/pipe.hpp"

namespace fb::libos::posix::vfs {
namespace {

constexpr std::size_t kPiece = 2048;
using Buffer = std::array<std::byte, kPiece>;

/// Where a side is; files that cannot seek are nowhere. Errors: IllegalSeek when the program gave an offset.
Answer<std::int64_t> position_of(const Side& side) {
  if (side.offset != nullptr) {
    if (*side.offset < 0) return fail(Errno::Invalid);
    // Asking for the place is the way to find out whether there are places.
    FB_TRY(side.file.seek(0, Whence::Current));
    return *side.offset;
  }
  FB_ASSIGN(const std::uint64_t at, side.file.seek(0, Whence::Current));
  return static_cast<std::int64_t>(at);
}

Answer<> set_position(const Side& side, std::int64_t to) {
  if (side.offset != nullptr) {
    *side.offset = to;
    return {};
  }
  FB_TRY(side.file.seek(to, Whence::Set));
  return {};
}

Answer<std::size_t> write_to(const Side& out, std::span<const std::byte> bytes, Waiter& waiter) {
  BytesInput in(bytes);
  if (out.offset == nullptr) return out.file.write(in, bytes.size(), waiter);
  FB_ASSIGN(const std::size_t done, out.file.write_at(*out.offset, in, bytes.size()));
  *out.offset += static_cast<std::int64_t>(done);
  return done;
}

/// From a file that has places. What could not be written has not been read.
Answer<std::size_t> move_pieces(const Side& in, const Side& out, std::size_t count, Waiter& waiter) {
  Buffer buffer;
  std::size_t done = 0;
  count = std::min(count, kTransferMost);
  FB_ASSIGN(std::int64_t at, position_of(in));
  Answer<> problem;
  while (done < count && problem) {
    BytesOutput into(buffer);
    const auto read = in.file.read_at(at, into, std::min(count - done, kPiece));
    if (!read) problem = fail(read.error());
    if (!read || *read == 0) break;
    const auto wrote = write_to(out, {buffer.data(), *read}, waiter);
    if (!wrote) problem = fail(wrote.error());
    if (!wrote) break;
    at += static_cast<std::int64_t>(*wrote);
    done += *wrote;
    if (*wrote < *read) break;
  }
  if (done == 0) FB_TRY(problem);
  FB_TRY(set_position(in, at));
  return done;
}

/// Until the pipe holds something, or is at its end: false.
Answer<bool> wait_for_bytes(Pipe& pipe, bool blocks, Waiter& waiter) {
  while (pipe.held() == 0) {
    if (pipe.writers == 0) return false;
    if (!blocks) return fail(Errno::TryAgain);
    FB_TRY(waiter.wait(pipe.to_read));
  }
  return true;
}

Answer<> wait_for_room(Pipe& pipe, bool blocks, Waiter& waiter) {
  for (;;) {
    if (pipe.readers == 0) return fail(Errno::BrokenPipe);
    if (pipe.room() != 0) return {};
    if (!blocks) return fail(Errno::TryAgain);
    FB_TRY(waiter.wait(pipe.to_write));
  }
}

Answer<std::size_t> from_pipe(Pipe& pipe, const Side& out, std::size_t count, bool blocks, Waiter& waiter) {
  Buffer buffer;
  std::size_t done = 0;
  FB_ASSIGN(const bool some, wait_for_bytes(pipe, blocks, waiter));
  if (!some) return 0;
  while (done < count && pipe.held() != 0) {
    BytesOutput into(buffer);
    FB_ASSIGN(const std::size_t peeked, pipe.peek(into, std::min(count - done, kPiece)));
    const auto wrote = write_to(out, {buffer.data(), peeked}, waiter);
    if (!wrote && done == 0) return wrote;
    if (!wrote) break;
    pipe.skip(*wrote);
    pipe.to_write.wake_all();
    done += *wrote;
    if (*wrote < peeked) break;
  }
  return done;
}

Answer<std::size_t> into_pipe(const Side& in, Pipe& pipe, std::size_t count, bool blocks, Waiter& waiter) {
  Buffer buffer;
  std::size_t done = 0;
  FB_TRY(wait_for_room(pipe, blocks, waiter));
  const auto place = position_of(in);
  if (!place && in.offset != nullptr) return fail(place.error());
  std::int64_t at = place.value_or(0);
  while (done < count && pipe.room() != 0) {
    BytesOutput into(buffer);
    const std::size_t most = std::min({count - done, kPiece, pipe.room()});
    const auto read = place ? in.file.read_at(at, into, most) : in.file.read(into, most, waiter);
    if (!read && done == 0) return read;
    if (!read || *read == 0) break;
    BytesInput from({buffer.data(), *read});
    std::size_t given = 0;
    // A read that waited may have lost its room to another writer.
    while (given < *read) {
      FB_TRY(wait_for_room(pipe, true, waiter));
      FB_ASSIGN(const std::size_t now, pipe.give(from, *read - given));
      given += now;
      pipe.to_read.wake_all();
    }
    at += static_cast<std::int64_t>(given);
    done += given;
    if (*read < most || !place) break;
  }
  if (place) FB_TRY(set_position(in, at));
  return done;
}

/// `keep`: tee.
Answer<std::size_t> between_pipes(Pipe& in, Pipe& out, std::size_t count, bool blocks, bool keep,
                                  Waiter& waiter) {
  FB_ASSIGN(const bool some, wait_for_bytes(in, blocks, waiter));
  if (!some) return 0;
  FB_TRY(wait_for_room(out, blocks, waiter));
  struct IntoPipe final : Output {
    explicit IntoPipe(Pipe& the_pipe) : pipe(the_pipe) {}
    Answer<> put(std::span<const std::byte> bytes) override {
      BytesInput from(bytes);
      FB_ASSIGN(const std::size_t given, pipe.give(from, bytes.size()));
      done += given;
      return given == bytes.size() ? Answer<>() : fail(Errno::NoMemory);
    }
    Pipe& pipe;
    std::size_t done = 0;
  } into(out);
  const std::size_t most = std::min({count, in.held(), out.room()});
  const auto peeked = in.peek(into, most);
  if (into.done == 0) return peeked;
  if (!keep) {
    in.skip(into.done);
    in.to_write.wake_all();
  }
  out.to_read.wake_all();
  return into.done;
}

bool appends(const File& file) { return (file.flags() & flag::kAppend) != 0; }

/// In Linux's order, and with its arithmetic: an offset below 0 is a very large one until it is said to be wrong. `count`
/// becomes what there is. Errors: Overflow, Invalid, FileTooLarge.
Answer<> check_ranges(const Side& in, const Side& out, std::size_t& count) {
  const auto at = [](const Side& side) {
    return side.offset != nullptr ? *side.offset
                                  : static_cast<std::int64_t>(side.file.seek(0, Whence::Current).value_or(0));
  };
  const std::int64_t from = at(in), to = at(out);
  const auto first = static_cast<std::uint64_t>(from), target = static_cast<std::uint64_t>(to);
  if (first + count < first || target + count < target) return fail(Errno::Overflow);
  const auto size = static_cast<std::int64_t>(in.file.inode()->attributes().size);
  count = from >= size ? 0 : std::min<std::uint64_t>(count, static_cast<std::uint64_t>(size) - first);
  if (to >= 0 && target >= kLargestFile && count != 0) return fail(Errno::FileTooLarge);
  const bool same = in.file.inode() == out.file.inode();
  if (same && target + count > first && target < first + count) return fail(Errno::Invalid);
  return from < 0 || to < 0 ? Answer<>(fail(Errno::Invalid)) : Answer<>();
}

/// For copies that never wait.
class NoWaiter final : public Waiter {
 public:
  [[nodiscard]] core::Nanoseconds now() const override { return {}; }
  Answer<> sleep(core::Nanoseconds /*deadline*/) override { return fail(Errno::Restart); }
  void wake() override {}
};

}  // namespace

Answer<std::size_t> send_file(File& out, Side in, std::size_t count, Waiter& waiter) {
  if (!in.file.readable() || !out.writable()) return fail(Errno::BadDescriptor);
  if (in.offset != nullptr && !in.file.seek(0, Whence::Current)) return fail(Errno::IllegalSeek);
  const bool places = in.file.inode() && in.file.inode()->is(mode::kRegular);
  if (!places || appends(out)) return fail(Errno::Invalid);
  return move_pieces(in, {.file = out}, count, waiter);
}

Answer<std::size_t> copy_range(Side in, Side out, std::size_t count) {
  const auto kind = [](File& file) -> Answer<> {
    if (file.inode() && file.inode()->is_directory()) return fail(Errno::IsDirectory);
    return file.inode() && file.inode()->is(mode::kRegular) ? Answer<>() : fail(Errno::Invalid);
  };
  if (in.file.path_only() || out.file.path_only()) return fail(Errno::BadDescriptor);
  FB_TRY(kind(in.file));
  FB_TRY(kind(out.file));
  if (!in.file.readable() || !out.file.writable() || appends(out.file)) return fail(Errno::BadDescriptor);
  FB_TRY(check_ranges(in, out, count));
  NoWaiter waiter;
  return move_pieces(in, out, count, waiter);
}

Answer<std::size_t> splice(Side in, Side out, std::size_t count, std::uint32_t flags, Waiter& waiter) {
  if (count == 0) return 0;
  if ((flags & ~splicing::kAll) != 0) return fail(Errno::Invalid);
  if (!in.file.readable() || !out.file.writable()) return fail(Errno::BadDescriptor);
  Pipe* const from = in.file.pipe_behind();
  Pipe* const to = out.file.pipe_behind();
  if ((from != nullptr && in.offset != nullptr) || (to != nullptr && out.offset != nullptr)) {
    return fail(Errno::IllegalSeek);
  }
  const bool waits = (flags & splicing::kNoWait) == 0;
  if (from != nullptr && to != nullptr) {
    if (from == to) return fail(Errno::Invalid);
    const bool blocks = waits && in.file.blocks() && out.file.blocks();
    return between_pipes(*from, *to, count, blocks, false, waiter);
  }
  if (from != nullptr) {
    if (appends(out.file)) return fail(Errno::Invalid);
    if (out.offset != nullptr) FB_TRY(position_of(out));
    return from_pipe(*from, out, count, waits && in.file.blocks(), waiter);
  }
  if (to == nullptr) return fail(Errno::Invalid);
  return into_pipe(in, *to, count, waits && out.file.blocks(), waiter);
}

Answer<std::size_t> tee(File& in, File& out, std::size_t count, std::uint32_t flags, Waiter& waiter) {
  if ((flags & ~splicing::kAll) != 0) return fail(Errno::Invalid);
  if (count == 0) return 0;
  if (!in.readable() || !out.writable()) return fail(Errno::BadDescriptor);
  Pipe* const from = in.pipe_behind();
  Pipe* const to = out.pipe_behind();
  if (from == nullptr || to == nullptr || from == to) return fail(Errno::Invalid);
  const bool blocks = (flags & splicing::kNoWait) == 0 && in.blocks() && out.blocks();
  return between_pipes(*from, *to, count, blocks, true, waiter);
}

}  // namespace fb::libos::posix::vfs

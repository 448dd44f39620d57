#include "libos/posix/procfs/text_file.hpp"

#include <algorithm>

namespace fb::libos::posix::procfs {

Answer<std::uint64_t> TextFile::seek(std::int64_t offset, vfs::Whence whence) {
  std::int64_t sum = offset;
  if (whence != vfs::Whence::Set && whence != vfs::Whence::Current) return fail(Errno::Invalid);
  if (whence == vfs::Whence::Current &&
      __builtin_add_overflow(static_cast<std::int64_t>(offset_), offset, &sum)) {
    return fail(Errno::Invalid);
  }
  if (sum < 0) return fail(Errno::Invalid);
  offset_ = static_cast<std::uint64_t>(sum);
  return offset_;
}

void TextFile::restart() {
  piece_.clear();
  start_ = cursor_ = 0;
  ended_ = false;
}

/// Lets the piece be the one that holds `offset`, or ends before it and is the last.
Answer<> TextFile::reach(std::uint64_t offset) {
  if (offset < start_) restart();
  while (!ended_ && offset - start_ >= piece_.view().size()) {
    start_ += piece_.view().size();
    piece_.clear();
    const Cursor before = cursor_;
    if (const auto written = node_->write_text(piece_, cursor_); !written) {
      restart();
      return written;
    }
    ended_ = cursor_ == before;
  }
  return {};
}

Answer<std::size_t> TextFile::on_read_at(std::uint64_t offset, vfs::Output& out, std::size_t count) {
  if (offset == 0) restart();
  std::size_t done = 0;
  while (done < count) {
    Answer<> next = reach(offset + done);
    const std::uint64_t within = offset + done - start_;
    if (next && within >= piece_.view().size()) break;
    std::size_t size = 0;
    if (next) {
      size = std::min(count - done, piece_.view().size() - within);
      next = out.put(std::as_bytes(std::span(piece_.view().data() + within, size)));
    }
    if (!next) {
      if (done == 0) return fail(next.error());
      break;
    }
    done += size;
  }
  return done;
}

Answer<std::size_t> TextFile::on_read(vfs::Output& out, std::size_t count, vfs::Waiter& /*waiter*/) {
  FB_ASSIGN(const std::size_t done, on_read_at(offset_, out, count));
  offset_ += done;
  return done;
}

Answer<std::size_t> TextFile::on_write_at(std::uint64_t /*offset*/, vfs::Input& in, std::size_t count) {
  if (count == 0) return 0;
  std::array<char, kMostStored> text;
  const std::size_t size = std::min(count, text.size());
  FB_TRY(in.take(std::as_writable_bytes(std::span(text).first(size))));
  FB_TRY(node_->store_text({text.data(), size}));
  return count;
}

Answer<std::size_t> TextFile::on_write(vfs::Input& in, std::size_t count, vfs::Waiter& /*waiter*/) {
  FB_ASSIGN(const std::size_t done, on_write_at(offset_, in, count));
  offset_ += done;
  return done;
}

}  // namespace fb::libos::posix::procfs

// Pipes and FIFOs: 64 KiB of frames between ends.
#pragma once

#include <array>

#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::vfs {

/// What both ends share, and what a FIFO's inode has attached while it is open. Bytes are numbered from the first that was
/// ever written; page n of them is in slot n % slots while it holds something.
class Pipe final : public Attachment {
 public:
  static constexpr std::size_t kSlots = 16;
  static constexpr std::size_t kCapacity = kSlots * core::kPageSize;
  static constexpr std::size_t kLargest = std::size_t{1} << 20;  ///< fs.pipe-max-size

  explicit Pipe(Frames& frames) : frames_(frames) {}
  ~Pipe() override;

  [[nodiscard]] std::size_t held() const { return written_ - read_; }
  [[nodiscard]] std::size_t capacity() const { return slots_.size() * core::kPageSize; }
  [[nodiscard]] std::size_t room() const { return capacity() - held(); }
  /// F_SETPIPE_SZ: at least so many bytes. The capacity after it. Errors: Invalid, Perm above kLargest, Busy when what is held
  /// does not fit, NoMemory.
  Answer<std::size_t> resize(std::size_t bytes);
  /// Up to `count` bytes stay and are put. Errors: Fault when nothing was put.
  [[nodiscard]] Answer<std::size_t> peek(Output& out, std::size_t count);
  /// Lets go of up to `count` bytes.
  void skip(std::size_t count);
  /// As much as there is, up to `count`. Errors: Fault when nothing was put.
  Answer<std::size_t> take(Output& out, std::size_t count);
  /// As much as there is room for, up to `count`. Errors: Fault, NoMemory when nothing was taken.
  Answer<std::size_t> give(Input& in, std::size_t count);

  std::uint32_t readers = 0, writers = 0;
  std::uint64_t readers_ever = 0,
                writers_ever = 0;  ///< who opens a FIFO waits for one to come, even if it goes
  bool named = true;               ///< a FIFO: who opens it waits for the other end
  WaitQueue to_read, to_write;     ///< who waits for bytes, for room; or for the other end

 private:
  void drop(std::uint64_t page);
  /// The last page of a pipe that is empty now serves its next byte: a frame costs more than what goes through most pipes.
  void keep(std::uint64_t page);

  Frames& frames_;
  std::array<FrameId, kSlots> first_slots_{};
  Vector<FrameId> more_slots_;
  std::span<FrameId> slots_{first_slots_};  ///< of either
  std::uint64_t read_ = 0, written_ = 0;
};

/// One end, or both of a FIFO that was opened to read and write. Whoever waits in it holds a Ref to it.
class PipeEnd final : public File {
 public:
  PipeEnd(const Ref<Inode>& inode, std::uint32_t flags, const Ref<Pipe>& pipe);
  ~PipeEnd() override;

  [[nodiscard]] PollState poll() override;
  Answer<std::uint64_t> ioctl(std::uint32_t request, std::uint64_t argument, IoctlCaller& caller) override;
  [[nodiscard]] Pipe& pipe() const { return *pipe_; }
  [[nodiscard]] Pipe* pipe_behind() override { return pipe_.get(); }

 private:
  Answer<std::size_t> on_read(Output& out, std::size_t count, Waiter& waiter) override;
  Answer<std::size_t> on_write(Input& in, std::size_t count, Waiter& waiter) override;

  Ref<Pipe> pipe_;
  std::uint64_t writers_before_;  ///< how many had come and gone when this was opened
};

struct PipeEnds {
  Ref<File> read, write;
};

/// `attributes` are what stat says of it; `flags` may have kNonBlock. Errors: NoMemory.
Answer<PipeEnds> make_pipe(Frames& frames, const Attributes& attributes, std::uint32_t flags);

/// Waits for the other end as POSIX says. Errors: NoDeviceOrAddress to write without waiting and without a reader, Restart,
/// NoMemory.
Answer<Ref<File>> open_fifo(Frames& frames, const Ref<Inode>& inode, std::uint32_t flags, Waiter& waiter);

}  // namespace fb::libos::posix::vfs

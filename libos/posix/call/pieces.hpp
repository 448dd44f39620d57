// Memory of a program in pieces, as an iovec names it.
#pragma once

#include "libos/posix/call/call.hpp"

namespace fb::libos::posix::call {

/// A struct iovec.
struct Piece {
  std::uint64_t address, size;
};

/// Read once, at most kMost, and in all not more than one call transfers.
class Pieces {
 public:
  static constexpr std::uint64_t kMost = 1024;  ///< IOV_MAX
  /// Errors: `too_many` for that, Invalid for a negative size, Fault, NoMemory.
  static Answer<Pieces> read(const Call& call, core::VirtAddr at, std::uint64_t count, Errno too_many);
  /// One, as of read() and recvfrom().
  static Answer<Pieces> one(core::VirtAddr at, std::uint64_t size);
  /// Which have been read and checked. Errors: NoMemory.
  static Answer<Pieces> of(std::span<const Piece> checked);
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Calls `transfer(address, offset, size)` for the next `count` bytes, which are there. Errors: its.
  template <class Transfer>
  Answer<> next(std::size_t count, const Transfer& transfer) {
    for (std::size_t offset = 0; offset < count;) {
      Piece& piece = pieces_[at_];
      const std::size_t part = std::min<std::uint64_t>(piece.size, count - offset);
      if (part != 0) FB_TRY(transfer(core::VirtAddr(piece.address), offset, part));
      piece.address += part;
      piece.size -= part;
      offset += part;
      if (piece.size == 0) ++at_;
    }
    return {};
  }

 private:
  Vector<Piece> pieces_;
  std::size_t at_ = 0, size_ = 0;
};

/// Fault beyond the end of the pieces.
class PiecesOutput final : public vfs::Output {
 public:
  PiecesOutput(mm::Space& memory, Pieces& pieces) : memory_(memory), pieces_(pieces), left_(pieces.size()) {}
  Answer<> put(std::span<const std::byte> bytes) override {
    if (bytes.size() > left_) return fail(Errno::Fault);
    left_ -= bytes.size();
    return pieces_.next(bytes.size(), [&](core::VirtAddr to, std::size_t offset, std::size_t size) {
      return memory_.write(to, bytes.subspan(offset, size));
    });
  }

 private:
  mm::Space& memory_;
  Pieces& pieces_;
  std::size_t left_;
};
class PiecesInput final : public vfs::Input {
 public:
  PiecesInput(mm::Space& memory, Pieces& pieces) : memory_(memory), pieces_(pieces), left_(pieces.size()) {}
  Answer<> take(std::span<std::byte> bytes) override {
    if (bytes.size() > left_) return fail(Errno::Fault);
    left_ -= bytes.size();
    return pieces_.next(bytes.size(), [&](core::VirtAddr from, std::size_t offset, std::size_t size) {
      return memory_.read(from, bytes.subspan(offset, size));
    });
  }

 private:
  mm::Space& memory_;
  Pieces& pieces_;
  std::size_t left_;
};

}  // namespace fb::libos::posix::call

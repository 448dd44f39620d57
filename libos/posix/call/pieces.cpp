#include "libos/posix/call/pieces.hpp"

namespace fb::libos::posix::call {

Answer<Pieces> Pieces::read(const Call& call, core::VirtAddr at, std::uint64_t count, Errno too_many) {
  if (count > kMost) return fail(too_many);
  Pieces made;
  FB_TRY(made.pieces_.reserve(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    FB_ASSIGN(auto piece, call.get<Piece>(at + core::ByteCount(i * sizeof(Piece))));
    if (static_cast<std::int64_t>(piece.size) < 0) return fail(Errno::Invalid);
    piece.size = std::min<std::uint64_t>(piece.size, vfs::kTransferMost - made.size_);
    made.size_ += piece.size;
    FB_TRY(made.pieces_.push_back(piece));
  }
  return made;
}

Answer<Pieces> Pieces::of(std::span<const Piece> checked) {
  Pieces made;
  FB_TRY(made.pieces_.reserve(checked.size()));
  for (const Piece& piece : checked) {
    made.size_ += piece.size;
    FB_TRY(made.pieces_.push_back(piece));
  }
  return made;
}

Answer<Pieces> Pieces::one(core::VirtAddr at, std::uint64_t size) {
  Pieces made;
  made.size_ = std::min<std::uint64_t>(size, vfs::kTransferMost);
  FB_TRY(made.pieces_.push_back({.address = at.raw(), .size = made.size_}));
  return made;
}

}  // namespace fb::libos::posix::call

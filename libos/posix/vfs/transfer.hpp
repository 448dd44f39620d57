// Bytes from file to file without the program's memory: sendfile, splice, tee, copy_file_range (Linux).
#pragma once

#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::vfs {

/// One side of a transfer: at `offset`, which moves, or where the file stands.
struct Side {
  File& file;
  std::int64_t* offset = nullptr;
};

namespace splicing {
inline constexpr std::uint32_t kMove = 1, kNoWait = 2, kMore = 4, kGift = 8, kAll = 15;
}  // namespace splicing

/// How many bytes went; less than `count` at the end of what there is, or when there is an error behind some. Errors:
/// BadDescriptor, Invalid, IllegalSeek, Overflow, and those of reading and writing.
Answer<std::size_t> send_file(File& out, Side in, std::size_t count, Waiter& waiter);
Answer<std::size_t> copy_range(Side in, Side out, std::size_t count);
Answer<std::size_t> splice(Side in, Side out, std::size_t count, std::uint32_t flags, Waiter& waiter);
Answer<std::size_t> tee(File& in, File& out, std::size_t count, std::uint32_t flags, Waiter& waiter);

}  // namespace fb::libos::posix::vfs

// Bytes that came from the host and were not read yet.
#pragma once

#include <array>

#include "libos/posix/console/streams.hpp"
#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::console {

/// A ring between who fetches (feed) and who reads. Not for concurrent use.
class Input {
 public:
  /// With `streams` the bytes are those of a StreamReader's line, otherwise they are as they are and have no end.
  void begin(bool streams) { streams_ = streams; }
  /// How many bytes feed() may be given.
  [[nodiscard]] std::size_t room() const { return kRoom - count_; }
  void feed(std::string_view bytes);

  /// Waits for the first byte, if `block`. 0 at the end, which stays. Errors: TryAgain, Fault, those of waiting.
  Answer<std::size_t> read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter, bool block);
  [[nodiscard]] bool readable() const { return count_ != 0 || ended(); }
  [[nodiscard]] bool ended() const { return reader_.ended(); }
  [[nodiscard]] std::optional<StreamReader::Size> size() const { return reader_.size(); }

  vfs::WaitQueue arrival;  ///< something has come
  vfs::WaitQueue space;    ///< room() is above 0

 private:
  static constexpr std::size_t kRoom = 4096;
  bool streams_ = false;
  StreamReader reader_;
  std::array<char, kRoom> bytes_{};
  std::size_t first_ = 0, count_ = 0;
};

}  // namespace fb::libos::posix::console

// Standard input and output of a program that runs for a command line: bytes, as they are.
#pragma once

#include "libos/posix/vfs/file.hpp"
#include "libos/rt/console.hpp"

namespace fb::libos::posix {

/// Nobody types: reading finds the end. The console outlives it.
class ConsoleFile final : public vfs::File {
 public:
  ConsoleFile(rt::Console& console, std::uint32_t flags) : File({}, flags), console_(console) {}
  [[nodiscard]] vfs::Stat stat() const override {
    vfs::Attributes pipe;
    pipe.mode = vfs::mode::kFifo | 0600;
    pipe.links = 1;
    return vfs::stat_of(pipe);
  }

 private:
  Answer<std::size_t> on_read(vfs::Output&, std::size_t, vfs::Waiter&) override { return 0; }
  Answer<std::size_t> on_write(vfs::Input& in, std::size_t count, vfs::Waiter&) override {
    std::array<char, 256> some;
    std::size_t done = 0;
    while (done < count) {
      const auto now = std::min(some.size(), count - done);
      if (const auto taken = in.take(std::as_writable_bytes(std::span(some).first(now))); !taken) {
        if (done == 0) return fail(taken.error());
        break;
      }
      console_.put({some.data(), now});
      done += now;
    }
    return done;
  }

  rt::Console& console_;
};

}  // namespace fb::libos::posix

// The console that the starter gave this instance, as files: standard input, output and error.
#pragma once

#include "libos/posix/console/input.hpp"
#include "libos/rt/console.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::posix::console {

/// Made once; outlives every file of it.
class HostConsole {
 public:
  HostConsole(rt::Console& console, rt::Fibres& fibres)
      : console_(console), fibres_(fibres), writer_(console) {}
  HostConsole(const HostConsole&) = delete;
  HostConsole& operator=(const HostConsole&) = delete;

  /// From now on input is fetched. Without `streams` output and errors are one, there is
  /// nothing else, and input has no end. Errors: NoMemory.
  Answer<> begin(bool streams);
  /// All of it; one writer at a time. Errors: those of waiting, before anything was written.
  Answer<> write(Stream stream, std::string_view bytes, vfs::Waiter& waiter);
  [[nodiscard]] Input& input() { return input_; }
  /// Plain bytes, as of a pipe. Errors: NoMemory.
  Answer<Ref<vfs::File>> file(Stream stream);

 private:
  void fetch();

  rt::Console& console_;
  rt::Fibres& fibres_;
  StreamWriter<rt::Console> writer_;
  Input input_;
  bool streams_ = false, writing_ = false;
  vfs::WaitQueue written_;
};

/// The stream of files, for archives.
class FilesOutput final : public vfs::Output {
 public:
  FilesOutput(HostConsole& console, vfs::Waiter& waiter) : console_(console), waiter_(waiter) {}
  Answer<> put(std::span<const std::byte> bytes) override {
    return console_.write(Stream::Files, {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                          waiter_);
  }

 private:
  HostConsole& console_;
  vfs::Waiter& waiter_;
};

}  // namespace fb::libos::posix::console

// The same calls on a file system in memory of the host: the oracle.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "libos/posix/base/errno.hpp"

namespace fb::libos::posix::vfs::test {

/// A directory of its own in /dev/shm, which is a tmpfs on Linux; gone with this.
class HostDirectory {
 public:
  HostDirectory() {
    char path[] = "/dev/shm/feuerbird-XXXXXX";
    if (mkdtemp(path) != nullptr) path_ = path;
  }
  HostDirectory(const HostDirectory&) = delete;
  HostDirectory& operator=(const HostDirectory&) = delete;
  ~HostDirectory() {
    std::error_code ignored;
    if (there()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] bool there() const { return !path_.empty(); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// A descriptor that closes itself.
class HostFile {
 public:
  HostFile(const std::string& path, int flags) : number_(open(path.c_str(), flags, 0644)) {}
  HostFile(const HostFile&) = delete;
  HostFile& operator=(const HostFile&) = delete;
  ~HostFile() {
    if (number_ >= 0) close(number_);
  }
  operator int() const { return number_; }  // NOLINT(google-explicit-constructor): it is passed to calls

 private:
  int number_;
};

/// What a call of the host's came to: its errno, none when it succeeded.
inline Errno host_error(long result) { return result < 0 ? static_cast<Errno>(errno) : Errno{}; }

}  // namespace fb::libos::posix::vfs::test

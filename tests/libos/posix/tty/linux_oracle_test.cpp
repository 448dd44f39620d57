// The host's terminals say what is right: the same keys go into a pseudo-terminal and into ours.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <rapidcheck/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "tests/libos/posix/tty/screen.hpp"

namespace fb::libos::posix::tty::test {
namespace {

/// TCSETS takes the kernel's own structure; <termios.h> has another one.
constexpr unsigned long kSet = 0x5402;

class Pseudo {
 public:
  Pseudo() : master_(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    if (master_ < 0 || grantpt(master_) != 0 || unlockpt(master_) != 0) return;
    slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY | O_NONBLOCK);
  }
  Pseudo(const Pseudo&) = delete;
  Pseudo& operator=(const Pseudo&) = delete;
  ~Pseudo() {
    if (slave_ >= 0) close(slave_);
    if (master_ >= 0) close(master_);
  }
  [[nodiscard]] bool there() const { return slave_ >= 0; }
  bool set(Termios settings) { return ioctl(slave_, kSet, &settings) == 0; }
  void type(std::string_view text) {
    ASSERT_EQ(::write(master_, text.data(), text.size()), ssize_t(text.size()));
  }
  void print(std::string_view text) {
    ASSERT_EQ(::write(slave_, text.data(), text.size()), ssize_t(text.size()));
  }
  /// A worker of the kernel moves what was typed: until `expected` bytes are there, or nothing more comes.
  std::string shown(std::size_t expected) {
    std::string all;
    while (all.size() < expected && ready(master_, kPatience)) all += take(master_, 65'536);
    return all + (ready(master_, 0) ? take(master_, 65'536) : "");
  }
  /// FIONREAD, when it says what is expected, or after some time.
  std::size_t readable(std::size_t expected) {
    int count = 0;
    for (int i = 0; i < kPatience; ++i) {
      if (ioctl(slave_, FIONREAD, &count) != 0 || static_cast<std::size_t>(count) == expected) break;
      usleep(1'000);
    }
    return static_cast<std::size_t>(count);
  }
  /// One read of a program, which expects something or nothing.
  std::string read(std::size_t most, bool expected) {
    return ready(slave_, expected ? kPatience : 0) ? take(slave_, most) : "";
  }

 private:
  static constexpr int kPatience = 5'000;  // milliseconds; only a failure waits so long
  static bool ready(int from, int milliseconds) {
    pollfd wanted{.fd = from, .events = POLLIN, .revents = 0};
    return poll(&wanted, 1, milliseconds) == 1;
  }
  static std::string take(int from, std::size_t most) {
    std::string text(most, '\0');
    const auto got = ::read(from, text.data(), most);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  int master_, slave_ = -1;
};

/// Keys that mean something, and some that do not.
std::string keys(const std::vector<std::uint8_t>& choices) {
  static constexpr std::string_view kKeys = "abc de_\tx\177\177\25\27\26\4\n\r\22\1z9\33";
  std::string text;
  for (const auto choice : choices) text += kKeys[choice % kKeys.size()];
  return text;
}

Termios some_settings() {
  Termios settings = kInitialTermios;
  const auto flip = [](std::uint32_t& word, std::uint32_t flag) {
    if (*rc::gen::inRange(0, 4) == 0) word ^= flag;
  };
  for (const auto flag :
       {input::kReturnToNewline, input::kIgnoreReturn, input::kNewlineToReturn, input::kUtf8})
    flip(settings.input, flag);
  for (const auto flag : {output::kProcess, output::kNewlineToReturnNewline, output::kReturnToNewline,
                          output::kNoReturnAtColumn0, output::kNewlineReturns, output::kExpandTabs})
    flip(settings.output, flag);
  for (const auto flag :
       {local::kCanonical, local::kEcho, local::kEchoErase, local::kEchoKill, local::kEchoNewline,
        local::kEchoControl, local::kEchoKillByErase, local::kExtended})
    flip(settings.local, flag);
  settings.local &= ~local::kSignals;
  return settings;
}

RC_GTEST_PROP(LineDiscipline, shows_and_gives_what_linux_does,
              (const std::vector<std::uint8_t>& first, const std::vector<std::uint8_t>& second)) {
  Pseudo pseudo;
  if (!pseudo.there()) return;  // no terminals in this sandbox; the tests beside need none
  Screen screen;
  LineDiscipline line(screen);
  const auto settings = some_settings();
  RC_ASSERT(pseudo.set(settings));
  line.set(settings);
  for (const auto& choices : {first, second}) {
    const auto typed = keys(choices);
    pseudo.type(typed);
    line.receive(bytes_of(typed));
    RC_ASSERT(pseudo.shown(screen.text.size()) == screen.text);
    screen.text.clear();
    RC_ASSERT(pseudo.readable(line.readable()) == line.readable());
    const auto most = static_cast<std::size_t>(*rc::gen::inRange(1, 12));
    const auto had = line.available();
    const auto there = pseudo.read(most, had);
    RC_ASSERT(there == (had ? read(line, most) : ""));
    pseudo.print("x\ty\n\rz");
    line.write(bytes_of("x\ty\n\rz"));
    RC_ASSERT(pseudo.shown(screen.text.size()) == screen.text);
    screen.text.clear();
  }
}

}  // namespace
}  // namespace fb::libos::posix::tty::test

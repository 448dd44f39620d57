// The line discipline of terminals: editing, echo, signals, and what output becomes (POSIX.1-2024, chapter 11; as Linux's
// N_TTY does it).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "libos/posix/tty/abi.hpp"

namespace fb::libos::posix::tty {

/// What a character may ask for: a signal to the foreground process group.
enum class Keypress : std::uint8_t { Interrupt, Quit, Suspend };

/// The wire and the job control beneath and above a line discipline.
class Port {
 public:
  Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  virtual void transmit(std::span<const std::uint8_t> bytes) = 0;
  virtual void signal(Keypress key) = 0;
  /// What is on its way is out of date: a signal comes next.
  virtual void drop_output() = 0;

 protected:
  ~Port() = default;
};

/// Bytes typed go in at `receive`, bytes written at `write`; a reader takes what `available` says is there. Not for
/// concurrent use.
class LineDiscipline {
 public:
  static constexpr std::size_t kCapacity = 4096;
  static constexpr std::size_t kLongestLine = kCapacity - 1;

  explicit LineDiscipline(Port& port) : port_(port) {}

  void receive(std::span<const std::uint8_t> bytes);
  void write(std::span<const std::uint8_t> bytes);
  /// How many bytes may be received now and not be lost. With a full line that has no end, all but its end is lost.
  [[nodiscard]] std::size_t room() const;

  /// Something to read: a line or an end of file, in canonical mode; else at least one byte.
  [[nodiscard]] bool available() const { return canonical() ? lines_ != 0 : size() != 0; }
  /// How many bytes a reader would get at most (FIONREAD).
  [[nodiscard]] std::size_t readable() const;
  /// Takes up to a line, in canonical mode, or what is there. 0: the end of a file, or nothing is available.
  std::size_t read(std::span<std::uint8_t> into);

  [[nodiscard]] const Termios& settings() const { return settings_; }
  /// When lines begin to matter, what is there is one; when they cease to, it is bytes, the ends of files among them.
  void set(const Termios& settings);
  void flush_input();
  /// Output is stopped by the stop character: who writes waits.
  [[nodiscard]] bool stopped() const { return stopped_; }
  void restart() { stopped_ = false; }

 private:
  [[nodiscard]] bool has(std::uint32_t local_flag) const { return (settings_.local & local_flag) != 0; }
  [[nodiscard]] bool canonical() const { return has(local::kCanonical); }
  [[nodiscard]] std::uint8_t special(Special which) const {
    return settings_.characters[static_cast<std::size_t>(which)];
  }
  /// 0 is no character: a special one that is not set.
  [[nodiscard]] bool is(std::uint8_t c, Special which) const { return c != 0 && c == special(which); }
  [[nodiscard]] std::size_t size() const { return head_ - tail_; }
  [[nodiscard]] std::uint8_t& at(std::size_t place) { return bytes_[place % kCapacity]; }
  [[nodiscard]] std::uint8_t at(std::size_t place) const { return bytes_[place % kCapacity]; }

  void receive_one(std::uint8_t c);
  bool flow_controlled(std::uint8_t c);
  bool signalled(std::uint8_t c);
  bool edited(std::uint8_t c);
  bool ended_line(std::uint8_t c);
  void accept(std::uint8_t c);
  void put(std::uint8_t c);
  void end_line(std::uint8_t c);
  enum class Erase : std::uint8_t { Character, Word, Line };
  void erase(Erase what);
  void kill_line();
  void reprint();
  [[nodiscard]] bool continues(std::uint8_t c) const;
  [[nodiscard]] std::size_t column_of(std::size_t place) const;

  void echo(std::uint8_t c);
  void echo_erased(std::uint8_t c, std::size_t place);
  void send(std::string_view text);
  void send_processed(std::uint8_t c);

  Port& port_;
  Termios settings_ = kInitialTermios;
  std::array<std::uint8_t, kCapacity> bytes_{};
  std::array<bool, kCapacity> ends_{};  ///< places where a line ends
  std::size_t head_ = 0, tail_ = 0;
  std::size_t edited_ = 0;       ///< where the line that is being edited begins
  std::size_t lines_ = 0;        ///< that are complete and not read
  std::size_t column_ = 0;       ///< of the cursor
  std::size_t line_column_ = 0;  ///< where the edited line begins on the screen
  bool literal_ = false;         ///< the next character stands for itself
  bool stopped_ = false;
};

}  // namespace fb::libos::posix::tty

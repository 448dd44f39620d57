// A terminal: a line discipline between programs on one side and a wire, or a pseudo-terminal's master, on the other (C4.18).
#pragma once

#include "libos/posix/tty/byte_queue.hpp"
#include "libos/posix/tty/control.hpp"
#include "libos/posix/tty/line_discipline.hpp"
#include "libos/posix/vfs/file.hpp"

namespace fb::libos::posix::tty {

/// What takes a real terminal's output away. Outlives it.
class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  /// There is something to take(). It may wait for a while, and be called meanwhile.
  virtual void output_waits() = 0;

 protected:
  ~Wire() = default;
};

/// Not for concurrent use: the LibOS lock is held.
class Terminal : public vfs::Attachment, Port {
 public:
  static constexpr std::size_t kWayIn = 8192, kWayOut = 8192, kEchoes = 4096;
  static constexpr std::size_t kLongestOutput = 8;  ///< bytes that one written can become: a tab

  /// `device` is the number it is opened by. Without a wire, whoever is on the far side takes what it wants to.
  Terminal(JobControl& jobs, std::uint64_t device, Wire* wire)
      : control_(jobs, *this), wire_(wire), device_(device) {}

  // The far side.
  /// Takes as many as there is room for.
  std::size_t type(std::span<const std::uint8_t> bytes);
  [[nodiscard]] std::size_t room_to_type() const { return way_in_.room(); }
  /// Output, which is then gone.
  std::size_t take(std::span<std::uint8_t> into);
  /// Output that can be taken: none of a real line while it is stopped.
  [[nodiscard]] std::size_t output() const { return wire_ != nullptr && stopped() ? 0 : way_out_.size(); }
  /// What a real line has not sent yet. A pseudo-terminal's is sent at once.
  [[nodiscard]] std::size_t unsent() const { return wire_ != nullptr ? way_out_.size() : 0; }
  void forget_output();
  /// What has been typed and the discipline has not received.
  void forget_typed();
  vfs::WaitQueue to_type, to_take;

  // The programs' side.
  [[nodiscard]] const LineDiscipline& line() const { return line_; }
  std::size_t read(std::span<std::uint8_t> into);
  /// How many bytes can be written now.
  [[nodiscard]] std::size_t room_to_write() const;
  /// At most that many.
  void write(std::span<const std::uint8_t> bytes);
  /// Tells the wire. Where the caller's state is whole: the wire may wait.
  void push();
  vfs::WaitQueue to_read, to_write;
  bool writing = false;  ///< somebody is at it, and what he writes stays together

  [[nodiscard]] Termios2 settings() const;
  void set(const Termios2& settings);
  [[nodiscard]] const WindowSize& window() const { return window_; }
  /// The foreground group hears of a change.
  void set_window(const WindowSize& size);
  /// What has been typed and not been read; with that which has not been looked at yet.
  void flush_input(bool all);
  void flush_output();
  /// TCXONC's stop: a start character does not end it.
  void stop_output(bool stop);
  /// A character for the far side, now.
  void send_character(Special which);
  /// Until all output has left. Errors: those of the waiter.
  Answer<> wait_until_sent(vfs::Waiter& waiter);

  [[nodiscard]] Control& control() { return control_; }
  [[nodiscard]] std::uint64_t device() const { return device_; }
  [[nodiscard]] bool line_is_real() const { return wire_ != nullptr; }
  /// For all files that have it open. Those that are opened later do not know.
  void hang_up(bool session_ends);
  [[nodiscard]] std::uint32_t hang_ups() const { return hang_ups_; }
  bool exclusive = false;  ///< only the privileged may open it

  /// Errors: Io when it cannot be opened.
  virtual Answer<> opened() { return {}; }
  virtual void closed() {}
  /// The far side is gone for good.
  [[nodiscard]] virtual bool far_side_gone() const { return false; }

 protected:
  /// One of namespace packet.
  virtual void happened(std::uint8_t /*what*/) {}

 private:
  void transmit(std::span<const std::uint8_t> bytes) override;
  void signal(Keypress key) override;
  void drop_output() override;
  [[nodiscard]] bool stopped() const { return line_.stopped() || stop_; }
  void feed();
  void settle();

  LineDiscipline line_{*this};
  Control control_;
  Wire* wire_;
  std::uint64_t device_;
  std::uint32_t input_speed_ = Termios2{}.input_speed, output_speed_ = Termios2{}.output_speed;
  WindowSize window_;
  std::uint32_t hang_ups_ = 0;
  bool stop_ = false, was_stopped_ = false;
  ByteQueue<kWayIn> way_in_;    ///< typed, and not received by the discipline
  ByteQueue<kWayOut> way_out_;  ///< written or echoed
  ByteQueue<kEchoes> echoes_;   ///< that wait while output is stopped or has no room
};

}  // namespace fb::libos::posix::tty

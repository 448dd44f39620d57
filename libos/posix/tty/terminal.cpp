#include "libos/posix/tty/terminal.hpp"

#include "libos/posix/tty/ioctl_abi.hpp"
#include "libos/posix/tty/speeds.hpp"

namespace fb::libos::posix::tty {
namespace {

constexpr std::size_t kPiece = 128;

}  // namespace

std::size_t Terminal::type(std::span<const std::uint8_t> bytes) {
  std::size_t done = 0;
  while (const auto count = way_in_.put({bytes.data() + done, bytes.size() - done})) {
    done += count;
    feed();
  }
  push();
  return done;
}

std::size_t Terminal::take(std::span<std::uint8_t> into) {
  const auto count = way_out_.take(into.first(std::min(into.size(), output())));
  settle();
  return count;
}

void Terminal::forget_output() {
  way_out_.clear();
  settle();
}

void Terminal::forget_typed() {
  way_in_.clear();
  to_type.wake_all();
}

/// What has been typed goes on, as far as there is room for it.
void Terminal::feed() {
  std::array<std::uint8_t, kPiece> piece;
  while (!way_in_.empty()) {
    const auto room = std::min(line_.room(), piece.size());
    if (room == 0) break;
    line_.receive(std::span(piece).first(way_in_.take(std::span(piece).first(room))));
  }
  if (line_.available()) to_read.wake_all();
  if (way_in_.room() != 0) to_type.wake_all();
  settle();
}

/// After anything that may have stopped or started output, or made room: what waited for that goes on.
void Terminal::settle() {
  if (stopped() != was_stopped_) {
    was_stopped_ = !was_stopped_;
    happened(was_stopped_ ? packet::kStop : packet::kStart);
  }
  std::array<std::uint8_t, kPiece> piece;
  while (!stopped() && !echoes_.empty() && way_out_.room() != 0) {
    const auto count = std::min(way_out_.room(), piece.size());
    way_out_.put(std::span(piece).first(echoes_.take(std::span(piece).first(count))));
  }
  if (output() != 0) to_take.wake_all();
  if (room_to_write() != 0 || way_out_.empty()) to_write.wake_all();
}

/// Written output has room, as room_to_write() says; an echo may have none, and then waits, as long as there is room for
/// that.
void Terminal::transmit(std::span<const std::uint8_t> bytes) {
  if (stopped() || !echoes_.empty() || way_out_.room() < bytes.size()) {
    if (echoes_.room() >= bytes.size()) echoes_.put(bytes);
  } else {
    way_out_.put(bytes);
  }
}

void Terminal::signal(Keypress key) {
  control_.send(key == Keypress::Interrupt ? Signal::Interrupt
                : key == Keypress::Quit    ? Signal::Quit
                                           : Signal::TerminalStop);
}

void Terminal::drop_output() {
  echoes_.clear();
  flush_output();
  happened(packet::kFlushRead);
}

std::size_t Terminal::read(std::span<std::uint8_t> into) {
  const auto count = line_.read(into);
  feed();
  return count;
}

std::size_t Terminal::room_to_write() const {
  if (stopped() || !echoes_.empty()) return 0;
  const bool grows = (line_.settings().output & output::kProcess) != 0;
  return way_out_.room() / (grows ? kLongestOutput : 1);
}

void Terminal::write(std::span<const std::uint8_t> bytes) {
  line_.write(bytes);
  settle();
}

void Terminal::push() {
  if (wire_ != nullptr && output() != 0) wire_->output_waits();
}

Termios2 Terminal::settings() const {
  return {.settings = line_.settings(), .input_speed = input_speed_, .output_speed = output_speed_};
}

void Terminal::set(const Termios2& settings) {
  const auto keys_stop = [](const Termios& its) {
    const auto at = [&](Special which) { return its.characters[static_cast<std::size_t>(which)]; };
    return (its.input & input::kFlowOutput) != 0 && at(Special::Stop) == '\023' &&
           at(Special::Start) == '\021';
  };
  const auto before = line_.settings();
  auto fitted = settings.settings;
  // Nothing else goes over this wire.
  fitted.control &= ~(hardware::kSizes | hardware::kParity);
  fitted.control |= hardware::kSize8 | hardware::kReceives;
  line_.set(fitted);
  output_speed_ = output_speed(settings);
  input_speed_ = input_speed(settings);
  if (keys_stop(before) != keys_stop(fitted)) happened(keys_stop(fitted) ? packet::kDoStop : packet::kNoStop);
  to_read.wake_all();
  to_write.wake_all();
  feed();
}

void Terminal::set_window(const WindowSize& size) {
  if (size == window_) return;
  window_ = size;
  control_.send(Signal::Window);
}

void Terminal::flush_input(bool all) {
  if (all) way_in_.clear();
  line_.flush_input();
  happened(packet::kFlushRead);
  feed();
}

/// A pseudo-terminal's has arrived already.
void Terminal::flush_output() {
  if (wire_ != nullptr) way_out_.clear();
  happened(packet::kFlushWrite);
  settle();
}

void Terminal::stop_output(bool stop) {
  if (!stop && stop_) line_.restart();
  stop_ = stop;
  settle();
}

void Terminal::send_character(Special which) {
  const auto character = line_.settings().characters[static_cast<std::size_t>(which)];
  if (character == 0 || stop_) return;
  way_out_.put({&character, 1});
  if (stopped()) happened(packet::kStop);  // again: it was started for this
  settle();
}

Answer<> Terminal::wait_until_sent(vfs::Waiter& waiter) {
  push();
  while (wire_ != nullptr && !way_out_.empty()) FB_TRY(waiter.wait(to_write));
  return {};
}

void Terminal::hang_up(bool session_ends) {
  ++hang_ups_;
  way_in_.clear();
  line_.flush_input();
  echoes_.clear();
  if (wire_ != nullptr) way_out_.clear();
  control_.hang_up(session_ends);
  for (auto* const queue : {&to_read, &to_write, &to_type, &to_take}) queue->wake_all();
}

}  // namespace fb::libos::posix::tty

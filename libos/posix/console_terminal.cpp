#include "libos/posix/console_terminal.hpp"

#include <algorithm>
#include <array>

#include "libos/posix/task/fibre_waiter.hpp"
#include "libos/posix/vfs/io.hpp"

namespace fb::libos::posix {

Answer<> ConsoleTerminal::open(tty::JobControl& jobs, const tty::WindowSize& size) {
  constexpr auto kDevice = vfs::make_device(tty::kSerialMajor, tty::kSerialMinor);
  tty::Wire* const wire = this;
  FB_ASSIGN(terminal_, make_shared<tty::Terminal>(jobs, kDevice, wire));
  terminal_->set_window(size);
  const auto run = [&](rt::FibreFunction entry) { return fibres_.spawn(entry, this, true).has_value(); };
  const bool runs = run([](void* argument) { static_cast<ConsoleTerminal*>(argument)->listen(); }) &&
                    run([](void* argument) { static_cast<ConsoleTerminal*>(argument)->put_left_over(); });
  return runs ? Answer<>() : fail(Errno::NoMemory);
}

void ConsoleTerminal::finish() {
  while (putting_) fibres_.sleep_for(kLookAgain);
}

void ConsoleTerminal::output_waits() {
  if (std::exchange(putting_, true)) return;
  put(terminal_->output());
  left_over_ = terminal_->output() != 0;
  putting_ = left_over_;
  if (left_over_) more_.wake_all();
}

void ConsoleTerminal::put(std::size_t most) {
  task::FibreWaiter waiter(fibres_);
  std::array<std::uint8_t, 256> some;
  while (most != 0) {
    const auto count = terminal_->take(std::span(some).first(std::min(most, some.size())));
    if (count == 0) return;
    static_cast<void>(
        console_.write(console::Stream::Output, {reinterpret_cast<const char*>(some.data()), count}, waiter));
    most -= count;
  }
}

void ConsoleTerminal::put_left_over() {
  for (;;) {
    task::FibreWaiter waiter(fibres_);
    while (!left_over_) static_cast<void>(waiter.wait(more_));
    while (const auto count = terminal_->output()) put(count);
    putting_ = left_over_ = false;
  }
}

void ConsoleTerminal::type(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto typed = terminal_->type({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    bytes = bytes.subspan(typed);
    task::FibreWaiter waiter(fibres_);
    if (typed == 0) static_cast<void>(waiter.wait(terminal_->to_type));
  }
}

void ConsoleTerminal::follow_window() {
  const auto size = console_.input().size();
  if (!size) return;
  const tty::WindowSize now{.rows = size->rows, .columns = size->columns};
  const auto& old = terminal_->window();
  if (now.rows != old.rows || now.columns != old.columns) terminal_->set_window(now);
}

void ConsoleTerminal::listen() {
  std::array<std::byte, rt::kWordBytes> some;
  auto& input = console_.input();
  for (;;) {
    task::FibreWaiter waiter(fibres_);
    while (!input.readable()) {
      static_cast<void>(waiter.wait(input.arrival));
      follow_window();
    }
    vfs::BytesOutput out(some);
    const auto count = input.read(out, some.size(), waiter, true);
    if (!count || *count == 0) return;
    type(std::span(some).first(*count));
  }
}

}  // namespace fb::libos::posix

// The instance's console as a terminal: its wire, and the fibres that listen to what is typed and put what is left over.
#pragma once

#include "libos/posix/task/fibre_waiter.hpp"
#include "libos/posix/tty/terminal_devices.hpp"
#include "libos/rt/console.hpp"

namespace fb::libos::posix {

/// Whoever writes puts the output himself, as much as there is then, one at a time: the console may wait. What comes meanwhile
/// is a fibre's. Made once, in memory of its own; the console and the scheduler outlive it, and it outlives its terminal.
class ConsoleTerminal final : tty::Wire {
 public:
  ConsoleTerminal(rt::Console& console, rt::Fibres& fibres) : console_(console), fibres_(fibres) {}

  /// The terminal, with its fibres; before anything else. Errors: NoMemory.
  Answer<> open(tty::JobControl& jobs) {
    constexpr auto kDevice = vfs::make_device(tty::kSerialMajor, tty::kSerialMinor);
    tty::Wire* const wire = this;
    FB_ASSIGN(terminal_, make_shared<tty::Terminal>(jobs, kDevice, wire));
    const auto run = [&](rt::FibreFunction entry) { return fibres_.spawn(entry, this, true).has_value(); };
    const bool runs = run([](void* argument) { static_cast<ConsoleTerminal*>(argument)->listen(); }) &&
                      run([](void* argument) { static_cast<ConsoleTerminal*>(argument)->put_left_over(); });
    return runs ? Answer<>() : fail(Errno::NoMemory);
  }
  [[nodiscard]] const Ref<tty::Terminal>& terminal() const { return terminal_; }
  /// Until everything has been put, but for what a stop character holds. Before the instance ends.
  void finish() {
    while (putting_) fibres_.sleep_for(kLookAgain);
  }

 private:
  static constexpr core::Nanoseconds kLookAgain{1'000'000};

  void output_waits() override {
    if (std::exchange(putting_, true)) return;
    put(terminal_->output());
    left_over_ = terminal_->output() != 0;
    putting_ = left_over_;
    if (left_over_) more_.wake_all();
  }
  void put(std::size_t most) {
    std::array<std::uint8_t, 256> some;
    while (most != 0) {
      const auto count = terminal_->take(std::span(some).first(std::min(most, some.size())));
      if (count == 0) return;
      console_.put({reinterpret_cast<const char*>(some.data()), count});
      most -= count;
    }
  }
  void put_left_over() {
    for (;;) {
      task::FibreWaiter waiter(fibres_);
      while (!left_over_) static_cast<void>(waiter.wait(more_));
      while (const auto count = terminal_->output()) put(count);
      putting_ = left_over_ = false;
    }
  }
  /// Ends with the console: nobody types any more, and what is written is dropped. What there is no room for stays with who
  /// sends it.
  void listen() {
    std::array<char, rt::kWordBytes> some;
    for (;;) {
      const auto count = console_.read(some);
      if (!count) return;
      for (std::size_t done = 0; done < *count;) {
        const auto* const next = reinterpret_cast<const std::uint8_t*>(some.data()) + done;
        const auto typed = terminal_->type({next, *count - done});
        done += typed;
        task::FibreWaiter waiter(fibres_);
        if (typed == 0) static_cast<void>(waiter.wait(terminal_->to_type));
      }
    }
  }

  rt::Console& console_;
  rt::Fibres& fibres_;
  Ref<tty::Terminal> terminal_;
  bool putting_ = false;    ///< somebody is at it
  bool left_over_ = false;  ///< and that is the fibre
  vfs::WaitQueue more_;
};

}  // namespace fb::libos::posix

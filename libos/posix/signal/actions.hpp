// What a process does about each signal (sigaction(2), signal(7) "Signal dispositions").
#pragma once

#include "libos/posix/signal/abi.hpp"

namespace fb::libos::posix::signal {

enum class Default : std::uint8_t { End, Ignore, Stop, Continue };

constexpr Default default_of(Signal signal) {
  switch (signal) {
    case Signal::Child:
    case Signal::Urgent:
    case Signal::Window:
      return Default::Ignore;
    case Signal::Continue:
      return Default::Continue;
    case Signal::Stop:
    case Signal::TerminalStop:
    case Signal::TerminalInput:
    case Signal::TerminalOutput:
      return Default::Stop;
    default:
      return Default::End;
  }
}

/// One for each signal. Not for concurrent use.
class Actions {
 public:
  [[nodiscard]] const Action& of(Signal signal) const { return actions_[index(signal)]; }
  /// Kill and Stop cannot be set by programs: the caller sees to it.
  void set(Signal signal, const Action& action) { actions_[index(signal)] = action; }
  /// Nothing would come of it, were it not blocked.
  [[nodiscard]] bool ignores(Signal signal) const {
    const auto handler = of(signal).handler;
    if (handler == action::kIgnore) return true;
    const auto usual = default_of(signal);
    return handler == action::kDefault && (usual == Default::Ignore || usual == Default::Continue);
  }
  /// A new program has none of the old one's handlers; what was ignored still is.
  void reset_handlers() {
    for (auto& action : actions_) {
      action = {.handler = action.handler == action::kIgnore ? action::kIgnore : action::kDefault};
    }
  }
  [[nodiscard]] Set ignored() const {
    Set set;
    for (std::size_t i = 0; i < actions_.size(); ++i) {
      if (actions_[i].handler == action::kIgnore) set.add(static_cast<Signal>(i + 1));
    }
    return set;
  }
  [[nodiscard]] Set caught() const {
    Set set;
    for (std::size_t i = 0; i < actions_.size(); ++i) {
      if (actions_[i].handled()) set.add(static_cast<Signal>(i + 1));
    }
    return set;
  }

 private:
  static constexpr std::size_t index(Signal signal) { return static_cast<std::size_t>(signal) - 1; }
  std::array<Action, 64> actions_{};
};

}  // namespace fb::libos::posix::signal

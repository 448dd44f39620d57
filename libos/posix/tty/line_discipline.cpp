#include "libos/posix/tty/line_discipline.hpp"

#include <algorithm>

namespace fb::libos::posix::tty {
namespace {

constexpr std::uint8_t kNoCharacter = 0;  // what an end of file leaves in the line
constexpr std::uint8_t kBackspace = 8, kTab = 9, kDelete = 127;
constexpr std::size_t kTabWidth = 8;

constexpr bool control(std::uint8_t c) { return c < ' ' || c == kDelete; }
constexpr bool word(std::uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

}  // namespace

void LineDiscipline::receive(std::span<const std::uint8_t> bytes) {
  for (const auto c : bytes) receive_one(c);
}

void LineDiscipline::receive_one(std::uint8_t c) {
  if ((settings_.input & input::kStripBit8) != 0) c &= 0x7f;
  if (literal_) {
    literal_ = false;
    return accept(c);
  }
  if (flow_controlled(c) || signalled(c)) return;
  if (stopped_ && (settings_.input & input::kFlowOutput) != 0 && (settings_.input & input::kAnyRestarts) != 0)
    stopped_ = false;
  const bool returned = c == '\r';
  if (c == '\r') {
    if ((settings_.input & input::kIgnoreReturn) != 0) return;
    if ((settings_.input & input::kReturnToNewline) != 0) c = '\n';
  } else if (c == '\n' && (settings_.input & input::kNewlineToReturn) != 0) {
    c = '\r';
  }
  if (canonical() && (edited(c) || ended_line(c))) return;
  if (c == '\n' && returned &&
      has(local::kEcho)) {  // one that was typed is shown as the control character it is
    send_processed(c);
    return put(c);
  }
  accept(c);
}

bool LineDiscipline::flow_controlled(std::uint8_t c) {
  if ((settings_.input & input::kFlowOutput) == 0) return false;
  if (is(c, Special::Start)) {
    stopped_ = false;
    return true;
  }
  if (!is(c, Special::Stop)) return false;
  stopped_ = true;
  return true;
}

bool LineDiscipline::signalled(std::uint8_t c) {
  if (!has(local::kSignals)) return false;
  Keypress key{};
  if (is(c, Special::Interrupt)) {
    key = Keypress::Interrupt;
  } else if (is(c, Special::Quit)) {
    key = Keypress::Quit;
  } else if (is(c, Special::Suspend)) {
    key = Keypress::Suspend;
  } else {
    return false;
  }
  if (!has(local::kNoFlush)) {
    flush_input();
    port_.drop_output();
  }
  if ((settings_.input & input::kFlowOutput) != 0) stopped_ = false;
  if (has(local::kEcho)) echo(c);
  port_.signal(key);
  return true;
}

bool LineDiscipline::edited(std::uint8_t c) {
  if (is(c, Special::Erase)) {
    erase(Erase::Character);
  } else if (is(c, Special::Kill)) {
    kill_line();
  } else if (is(c, Special::WordErase) && has(local::kExtended)) {
    erase(Erase::Word);
  } else if (is(c, Special::LiteralNext) && has(local::kExtended)) {
    literal_ = true;
    if (has(local::kEcho) && has(local::kEchoControl)) send("^\b");
  } else if (is(c, Special::Reprint) && has(local::kExtended) && has(local::kEcho)) {
    echo(c);
    reprint();
  } else {
    return false;
  }
  return true;
}

bool LineDiscipline::ended_line(std::uint8_t c) {
  if (c == '\n') {
    if (has(local::kEcho) || has(local::kEchoNewline)) send_processed(c);
    end_line(c);
  } else if (is(c, Special::EndOfFile)) {
    end_line(kNoCharacter);
  } else if (is(c, Special::EndOfLine) || (is(c, Special::EndOfLine2) && has(local::kExtended))) {
    if (has(local::kEcho)) {
      if (head_ == edited_) line_column_ = column_;
      echo(c);
    }
    end_line(c);
  } else {
    return false;
  }
  return true;
}

/// A character that stands for itself.
void LineDiscipline::accept(std::uint8_t c) {
  if (size() >= kLongestLine) {
    if ((settings_.input & input::kBellWhenFull) != 0) send("\a");
    return;
  }
  if (has(local::kEcho)) {
    if (head_ == edited_) line_column_ = column_;
    echo(c);
  }
  put(c);
}

void LineDiscipline::put(std::uint8_t c) {
  if (size() >= kLongestLine) return;
  at(head_) = c;
  ends_[head_ % kCapacity] = false;
  ++head_;
}

void LineDiscipline::end_line(std::uint8_t c) {
  if (size() == kCapacity) return;
  at(head_) = c;
  ends_[head_ % kCapacity] = true;
  edited_ = ++head_;
  ++lines_;
}

bool LineDiscipline::continues(std::uint8_t c) const {
  return (settings_.input & input::kUtf8) != 0 && (c & 0xc0) == 0x80;
}

std::size_t LineDiscipline::column_of(std::size_t place) const {
  auto column = line_column_;
  for (auto i = edited_; i != place; ++i) {
    const auto c = at(i);
    if (c == kTab) {
      column += kTabWidth - column % kTabWidth;
    } else if (control(c)) {
      column += has(local::kEchoControl) ? 2 : 0;
    } else {
      column += continues(c) ? 0 : 1;
    }
  }
  return column;
}

void LineDiscipline::erase(Erase what) {
  bool in_word = false;
  while (head_ != edited_) {
    auto place = head_;
    do --place;
    while (continues(at(place)) && place != edited_);
    const auto c = at(place);
    if (continues(c)) return;  // the beginning of that character is not in this line
    if (what == Erase::Word) {
      if (!word(c) && in_word) return;
      in_word = in_word || word(c);
    }
    head_ = place;
    if (has(local::kEcho)) {
      if (what == Erase::Character && !has(local::kEchoErase)) {
        echo(special(Special::Erase));
      } else {
        echo_erased(c, place);
      }
    }
    if (what == Erase::Character) return;
  }
}

void LineDiscipline::kill_line() {
  const bool by_erasing = has(local::kEchoKill) && has(local::kEchoKillByErase) && has(local::kEchoErase);
  if (has(local::kEcho) && by_erasing) return erase(Erase::Line);
  const bool something = head_ != edited_;
  head_ = edited_;
  if (!has(local::kEcho) || !something) return;
  echo(special(Special::Kill));
  if (has(local::kEchoKill)) send_processed('\n');
}

void LineDiscipline::reprint() {
  send_processed('\n');
  for (auto i = edited_; i != head_; ++i) echo(at(i));
}

void LineDiscipline::echo_erased(std::uint8_t c, std::size_t place) {
  if (c == kTab) {
    const auto before = column_of(place);
    for (auto back = kTabWidth - before % kTabWidth; back != 0; --back) {
      port_.transmit({&kBackspace, 1});
      if (column_ != 0) --column_;
    }
    return;
  }
  if (control(c) && has(local::kEchoControl)) send("\b \b");
  if (!control(c) || has(local::kEchoControl)) send("\b \b");
}

void LineDiscipline::echo(std::uint8_t c) {
  if (has(local::kEchoControl) && control(c) && c != kTab) {
    const std::array<std::uint8_t, 2> text{'^', static_cast<std::uint8_t>(c ^ 0x40)};
    column_ += text.size();
    return port_.transmit(text);
  }
  send_processed(c);
}

void LineDiscipline::send(std::string_view text) {
  for (const char c : text) send_processed(static_cast<std::uint8_t>(c));
}

void LineDiscipline::write(std::span<const std::uint8_t> bytes) {
  for (const auto c : bytes) send_processed(c);
}

void LineDiscipline::send_processed(std::uint8_t c) {
  const auto transmit = [&](std::string_view text) {
    port_.transmit({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  const auto wants = [&](std::uint32_t flag) { return (settings_.output & flag) != 0; };
  if (!wants(output::kProcess)) return port_.transmit({&c, 1});
  switch (c) {
    case '\n':
      if (wants(output::kNewlineReturns) || wants(output::kNewlineToReturnNewline)) column_ = 0;
      line_column_ = column_;  // what a program writes moves the line that is being edited
      if (wants(output::kNewlineToReturnNewline)) return transmit("\r\n");
      break;
    case '\r':
      if (wants(output::kNoReturnAtColumn0) && column_ == 0) return;
      if (wants(output::kReturnToNewline)) {
        c = '\n';
        if (wants(output::kNewlineReturns)) line_column_ = column_ = 0;
      } else {
        line_column_ = column_ = 0;
      }
      break;
    case kTab: {
      const auto spaces = kTabWidth - column_ % kTabWidth;
      column_ += spaces;
      if ((settings_.output & output::kTabs) == output::kExpandTabs)
        return transmit(std::string_view("        ").substr(0, spaces));
      break;
    }
    case kBackspace:
      if (column_ != 0) --column_;
      break;
    default:
      if (!control(c) && !continues(c)) ++column_;
  }
  port_.transmit({&c, 1});
}

std::size_t LineDiscipline::readable() const {
  if (!canonical()) return size();
  std::size_t count = 0;
  for (auto i = tail_; i != edited_; ++i) count += ends_[i % kCapacity] && at(i) == kNoCharacter ? 0 : 1;
  return count;
}

std::size_t LineDiscipline::read(std::span<std::uint8_t> into) {
  std::size_t count = 0;
  if (!canonical()) {
    while (count != into.size() && tail_ != head_) into[count++] = at(tail_++);
    edited_ = tail_;
    return count;
  }
  while (lines_ != 0) {
    const bool ends = ends_[tail_ % kCapacity];
    const bool no_character = ends && at(tail_) == kNoCharacter;
    // An end of file right behind what was asked for goes with it: the next reader must not take it for one of its own.
    if (count == into.size() && !no_character) break;
    if (!no_character) into[count++] = at(tail_);
    ++tail_;
    if (!ends) continue;
    --lines_;
    break;
  }
  return count;
}

std::size_t LineDiscipline::room() const {
  if (size() < kLongestLine) return kLongestLine - size();
  return canonical() && edited_ == tail_ ? 1 : 0;
}

void LineDiscipline::set(const Termios& settings) {
  const bool before = canonical();
  // Nobody could start it any more.
  if ((settings_.input & ~settings.input & input::kFlowOutput) != 0) stopped_ = false;
  settings_ = settings;
  if (before == canonical()) return;
  ends_.fill(false);
  lines_ = 0;
  literal_ = false;
  edited_ = tail_;
  if (!canonical() || size() == 0) return;
  ends_[(head_ - 1) % kCapacity] = true;
  lines_ = 1;
  edited_ = head_;
}

void LineDiscipline::flush_input() {
  tail_ = edited_ = head_;
  lines_ = 0;
  ends_.fill(false);
  literal_ = false;
}

}  // namespace fb::libos::posix::tty

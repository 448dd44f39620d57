// Processes for terminals: what the test says they are, and what they have been told.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "libos/posix/tty/terminal.hpp"

namespace fb::libos::posix::tty::test {

class Jobs final : public JobControl {
 public:
  struct Sent {
    int group, signal;  ///< the leader of a session is group -session
    bool operator==(const Sent&) const = default;
  };

  [[nodiscard]] Caller caller() const override { return who; }
  [[nodiscard]] bool ignores(Signal signal) const override { return ignored.contains(signal); }
  [[nodiscard]] bool orphaned() const override { return is_orphaned; }
  [[nodiscard]] Answer<SessionId> session_of(GroupId group) const override {
    const auto found = groups.find(group.raw());
    if (found == groups.end()) return fail(Errno::NoProcess);
    return SessionId(found->second);
  }
  void send(GroupId group, Signal signal) override {
    sent.push_back({group.raw(), static_cast<int>(signal)});
  }
  void send_leader(SessionId session, Signal signal) override {
    sent.push_back({-session.raw(), static_cast<int>(signal)});
  }
  [[nodiscard]] Ref<Terminal> terminal() const override {
    const auto found = terminals.find(who.session.raw());
    return found == terminals.end() || caller_has_none ? Ref<Terminal>() : found->second;
  }
  void attach(const Ref<Terminal>& terminal) override { terminals[who.session.raw()] = terminal; }
  void detach_caller() override { caller_has_none = true; }
  void detach(SessionId session, GroupId group) override {
    terminals.erase(session.raw());
    owed = group.raw();
  }

  /// The caller from now on: a process of `group` in session 10, whose leader is group 10.
  void become(int group) {
    who.group = GroupId(group);
    who.session = SessionId(10);
    who.leads_session = group == 10;
  }
  std::vector<Sent> take_sent() { return std::exchange(sent, {}); }

  Caller who{.group = GroupId(10), .session = SessionId(10), .leads_session = true};
  std::set<Signal> ignored;
  bool is_orphaned = false, caller_has_none = false;
  std::map<int, int> groups{{10, 10}, {11, 10}, {12, 10}, {20, 20}};
  std::vector<Sent> sent;
  std::map<int, Ref<Terminal>> terminals;
  int owed = -1;
};

inline std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
/// What waits for the far side.
inline std::string taken(Terminal& terminal, std::size_t most = 65'536) {
  std::string text(most, '?');
  text.resize(terminal.take({reinterpret_cast<std::uint8_t*>(text.data()), most}));
  return text;
}
inline Answer<std::size_t> write(vfs::File& file, std::string_view text, vfs::Waiter& waiter) {
  vfs::BytesInput in(std::as_bytes(std::span(text)));
  return file.write(in, text.size(), waiter);
}
inline Answer<std::string> read(vfs::File& file, std::size_t count, vfs::Waiter& waiter) {
  std::string text(count, '?');
  vfs::BytesOutput out(std::as_writable_bytes(std::span(text)));
  FB_ASSIGN(const std::size_t done, file.read(out, count, waiter));
  text.resize(done);
  return text;
}
inline Ref<vfs::Inode> character_device(std::uint64_t device) {
  return make_shared<vfs::Inode>(
             vfs::Attributes{.mode = vfs::mode::kCharacter | 0666, .links = 1, .rdev = device})
      .value();
}

}  // namespace fb::libos::posix::tty::test

// The host's kernel says what is right: the same things happen to its files and to ours.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/select.h>

#include "libos/posix/poll/select.hpp"
#include "tests/libos/posix/poll/linux_duo.hpp"

namespace fb::libos::posix::poll::test {
namespace {

constexpr Descriptor kNumbers = 14;

/// A command's parts, from one number.
class Command {
 public:
  explicit Command(std::uint32_t bits) : bits_(bits * 2654435761U) {}
  std::uint32_t pick(std::uint32_t below) {
    const std::uint32_t picked = bits_ % below;
    bits_ = bits_ / below * 2246822519U + 374761393U;
    return picked;
  }
  Descriptor descriptor() { return static_cast<Descriptor>(pick(kNumbers)); }

 private:
  std::uint32_t bits_;
};

std::uint32_t pick_events(Command& command, bool nested) {
  std::uint32_t events = 0;
  if (command.pick(4) != 0) events |= EPOLLIN;
  if (command.pick(2) != 0) events |= EPOLLOUT;
  if (command.pick(4) == 0) events |= EPOLLRDHUP;
  // Of an epoll Linux announces EPOLLIN only; and of a file's further events we tell who watches its epoll when it has looked.
  if (!nested && command.pick(3) == 0) events |= EPOLLRDNORM;
  if (!nested && command.pick(2) != 0) events |= EPOLLET;
  if (command.pick(4) == 0) events |= EPOLLONESHOT;
  return events;
}

void do_control(Duo& duo, Command& command) {
  const Descriptor epoll = command.descriptor(), number = command.descriptor();
  if (!duo.is_epoll(epoll)) return;
  constexpr std::array kOperations{EpollOperation::Add, EpollOperation::Add, EpollOperation::Modify,
                                   EpollOperation::Delete};
  const auto operation = kOperations[command.pick(4)];
  const auto result = duo.control(epoll, operation, number, pick_events(command, duo.is_epoll(number)));
  RC_ASSERT(result.ours == result.linux);
}

void step(Duo& duo, Command command) {
  switch (command.pick(14)) {
    case 0:
    case 1:
    case 2:
      return do_control(duo, command);
    case 3:
    case 4:
      return duo.write(command.descriptor(), false);
    case 5:
      return duo.write(command.descriptor(), true);
    case 6:
    case 7:
      return duo.read(command.descriptor(), command.pick(2) != 0);
    case 8: {
      const Descriptor number = command.descriptor();
      if (command.pick(3) == 0 && number >= 5) duo.close(number);
      return;
    }
    case 9: {
      const Descriptor number = command.descriptor();
      if (duo.world.descriptors.reached() < kNumbers) duo.duplicate(number);
      return;
    }
    default: {
      const Descriptor epoll = command.descriptor();
      if (!duo.is_epoll(epoll)) return;
      const auto [ours, linux] = duo.wait(epoll, 1 + command.pick(4));
      if (ours != linux) RC_LOG() << duo.story;
      RC_ASSERT(ours == linux);
    }
  }
}

RC_GTEST_PROP(EpollOracle, pipes_are_ready_as_under_linux_in_the_same_order_C4_18,
              (const std::vector<std::uint32_t>& commands)) {
  Duo duo;
  for (int i = 0; i < 3; ++i) duo.make_epoll();
  for (int i = 0; i < 4; ++i) duo.make_pipe();
  for (const std::uint32_t command : commands) {
    step(duo, Command(command));
    if (testing::Test::HasFatalFailure()) RC_FAIL("the oracle itself failed");
  }
  for (Descriptor epoll = 0; epoll < 3; ++epoll) {
    const auto [ours, linux] = duo.wait(epoll, 64);
    if (ours != linux) RC_LOG() << duo.story;
    RC_ASSERT(ours == linux);
  }
}

RC_GTEST_PROP(EpollOracle, nests_no_deeper_than_under_linux_and_in_no_ring_C4_18,
              (const std::vector<std::uint16_t>& edges)) {
  Duo duo;
  constexpr std::uint32_t kEpolls = 8;
  for (std::uint32_t i = 0; i < kEpolls; ++i) duo.make_epoll();
  for (const std::uint16_t edge : edges) {
    const auto from = static_cast<Descriptor>(edge % kEpolls);
    const auto to = static_cast<Descriptor>(edge / kEpolls % kEpolls);
    const bool adds = edge / 64 % 4 != 0;
    const auto result = duo.control(from, adds ? EpollOperation::Add : EpollOperation::Delete, to, EPOLLIN);
    RC_ASSERT(result.ours == result.linux);
  }
}

RC_GTEST_PROP(EventCountOracle, counts_and_is_ready_as_under_linux_C4_18,
              (const std::vector<std::uint32_t>& commands, bool semaphore, std::uint32_t begin)) {
  Duo duo;
  const Descriptor epoll = duo.make_epoll();
  duo.make_event_count(begin % 4, semaphore);
  const std::uint32_t edge = begin % 2 != 0 ? EPOLLET : 0;
  constexpr std::array<std::uint32_t, 3> kEvents{EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT};
  const auto added = duo.control(epoll, EpollOperation::Add, 1, kEvents[begin / 8 % 3] | edge);
  RC_ASSERT(added.same());
  for (const std::uint32_t bits : commands) {
    Command command(bits);
    switch (command.pick(4)) {
      case 0: {
        const auto [ours, linux] = duo.read_number(1);
        RC_ASSERT(ours == linux);
        break;
      }
      case 1: {
        constexpr std::uint64_t kMost = ~std::uint64_t{0};
        const std::array<std::uint64_t, 6> values{0, 1, 3, kMost, kMost - 1, kMost - 2};
        RC_ASSERT(duo.write_number(1, values[command.pick(6)]).same());
        break;
      }
      default: {
        const auto [ours, linux] = duo.wait(epoll, 4);
        RC_ASSERT(ours == linux);
      }
    }
  }
}

/// The same descriptors, some of them closed, some odd.
RC_GTEST_PROP(PollOracle, finds_what_linux_finds_C4_18,
              (const std::vector<std::uint32_t>& commands, const std::vector<std::uint32_t>& asked)) {
  Duo duo;
  for (int i = 0; i < 3; ++i) duo.make_epoll();
  for (int i = 0; i < 4; ++i) duo.make_pipe();
  duo.make_event_count(1, false);
  for (const std::uint32_t command : commands) step(duo, Command(command));
  std::vector<PollRecord> ours;
  std::vector<pollfd> linux;
  for (const std::uint32_t bits : asked) {
    Command command(bits);
    const Descriptor number = command.descriptor() - 1;
    const auto events = static_cast<std::uint16_t>(command.pick(1 << 14));
    ours.push_back({.descriptor = number, .wanted = events, .found = 0xff});
    linux.push_back({.fd = number < 0 ? -1 : Duo::kFirst + number,
                     .events = static_cast<short>(events),
                     .revents = 0xff});
  }
  RC_LOG() << duo.story;
  const auto found = poll(duo.world.descriptors, ours, duo.world.none, Nanoseconds(0));
  RC_ASSERT(number_of(found) == number_of(::poll(linux.data(), linux.size(), 0)));
  for (std::size_t i = 0; i < ours.size(); ++i) {
    RC_ASSERT(ours[i].found == static_cast<std::uint16_t>(linux[i].revents));
  }
}

RC_GTEST_PROP(SelectOracle, finds_what_linux_finds_C4_18,
              (const std::vector<std::uint32_t>& commands, std::uint16_t in, std::uint16_t out,
               std::uint16_t except)) {
  Duo duo;
  for (int i = 0; i < 3; ++i) duo.make_epoll();
  for (int i = 0; i < 4; ++i) duo.make_pipe();
  duo.make_event_count(1, false);
  for (const std::uint32_t command : commands) step(duo, Command(command));
  SelectSets ours;
  std::array<fd_set, 3> linux{};
  const std::array<std::uint16_t, 3> asked{in, out, except};
  for (std::size_t set = 0; set < asked.size(); ++set) {
    FD_ZERO(&linux[set]);
    RC_ASSERT(ours.sets[set].push_back(asked[set]).has_value());
    for (int bit = 0; bit < 16; ++bit) {
      if ((asked[set] >> bit & 1) != 0) FD_SET(Duo::kFirst + bit, &linux[set]);
    }
  }
  RC_LOG() << duo.story;
  timeval none{};
  const int expected = number_of(::select(Duo::kFirst + 16, &linux[0], &linux[1], &linux[2], &none));
  RC_ASSERT(number_of(select(duo.world.descriptors, 16, ours, duo.world.none, Nanoseconds(0))) == expected);
  for (std::size_t set = 0; set < asked.size(); ++set) {
    for (int bit = 0; bit < 16; ++bit) {
      RC_ASSERT((ours.sets[set][0] >> bit & 1) == (FD_ISSET(Duo::kFirst + bit, &linux[set]) ? 1U : 0U));
    }
  }
}

}  // namespace
}  // namespace fb::libos::posix::poll::test

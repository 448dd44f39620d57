// Files of events with a time that tests let pass.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libos/posix/poll/epoll.hpp"
#include "libos/posix/poll/event_count.hpp"
#include "libos/posix/poll/inotify.hpp"
#include "libos/posix/poll/timer_file.hpp"
#include "libos/posix/vfs/pipe.hpp"
#include "tests/libos/posix/vfs/script.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::poll::test {

using core::Nanoseconds;
using vfs::Descriptor;
using vfs::test::Script;

/// `now` is what the test says.
class TestPacemaker final : public Pacemaker {
 public:
  void pace(Nanoseconds earliest) override { paced.push_back(earliest); }
  [[nodiscard]] Nanoseconds now() const override {
    ++asked;
    return time;
  }
  Nanoseconds time{1'000};
  mutable std::uint64_t asked = 0;
  std::vector<Nanoseconds> paced;
};

struct World {
  World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  vfs::test::Volume volume;
  TestPacemaker pacemaker;
  Alarms alarms{pacemaker};
  Services services{alarms, volume.clock};
  vfs::Descriptors descriptors;
  Script none;  ///< whoever waits finds a signal

  Descriptor add(const Ref<vfs::File>& file) { return descriptors.add(file, false).value(); }
  vfs::File& file(Descriptor number) { return *descriptors.get(number).value(); }
  std::array<Descriptor, 2> pipe(std::uint32_t flags = vfs::flag::kNonBlock) {
    const auto ends = vfs::make_pipe(volume.frames, {}, flags).value();
    return {add(ends.read), add(ends.write)};
  }
  Descriptor epoll() { return add(make_epoll(services, 0).value()); }
  Answer<> control(Descriptor epoll, EpollOperation operation, Descriptor number, std::uint32_t events = 0) {
    const auto target = descriptors.get(number);
    if (!target) return fail(target.error());
    auto* const its = vfs::file_as<Epoll>(file(epoll));
    return its->control(operation, number, **target,
                        {.events = events, .data = static_cast<std::uint64_t>(number)});
  }
  Answer<> add_watch(Descriptor epoll, Descriptor number, std::uint32_t events) {
    return control(epoll, EpollOperation::Add, number, events);
  }
  Answer<std::vector<EpollEvent>> wait(Descriptor epoll, std::size_t most, vfs::Waiter& waiter,
                                       Nanoseconds deadline) {
    std::vector<EpollEvent> events(most);
    vfs::BytesOutput out(std::as_writable_bytes(std::span(events)));
    FB_ASSIGN(const std::size_t done, vfs::file_as<Epoll>(file(epoll))->wait(out, most, waiter, deadline));
    events.resize(done);
    return events;
  }
  std::vector<EpollEvent> ready(Descriptor epoll, std::size_t most = 64) {
    return wait(epoll, most, none, Nanoseconds(0)).value();
  }
  Answer<std::size_t> write(Descriptor number, std::string_view text) { return write(number, text, none); }
  Answer<std::size_t> write(Descriptor number, std::string_view text, vfs::Waiter& waiter) {
    vfs::BytesInput in(std::as_bytes(std::span(text)));
    return file(number).write(in, text.size(), waiter);
  }
  Answer<std::string> read(Descriptor number, std::size_t count) { return read(number, count, none); }
  Answer<std::string> read(Descriptor number, std::size_t count, vfs::Waiter& waiter) {
    std::string text(count, '?');
    vfs::BytesOutput out(std::as_writable_bytes(std::span(text)));
    FB_ASSIGN(const std::size_t done, file(number).read(out, count, waiter));
    text.resize(done);
    return text;
  }
  Answer<std::size_t> write_number(Descriptor number, std::uint64_t value) {
    return write(number, {reinterpret_cast<const char*>(&value), sizeof(value)});
  }
  Answer<std::uint64_t> read_number(Descriptor number) { return read_number(number, none); }
  Answer<std::uint64_t> read_number(Descriptor number, vfs::Waiter& waiter) {
    FB_ASSIGN(const std::string bytes, read(number, sizeof(std::uint64_t), waiter));
    std::uint64_t value = 0;
    __builtin_memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }
  /// Lets the time pass and rings what is due.
  void pass(std::uint64_t nanoseconds) {
    pacemaker.time += Nanoseconds(nanoseconds);
    alarms.ring_due(pacemaker.time);
  }
};

inline std::vector<std::uint64_t> data_of(const std::vector<EpollEvent>& events) {
  std::vector<std::uint64_t> data;
  for (const EpollEvent& event : events) data.push_back(+event.data);
  return data;
}

}  // namespace fb::libos::posix::poll::test

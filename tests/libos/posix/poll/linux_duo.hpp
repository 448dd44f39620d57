// The same files here and in the host's kernel, under numbers that correspond.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "tests/libos/posix/poll/fixture.hpp"

namespace fb::libos::posix::poll::test {

/// What an answer and a C result have in common.
template <class T>
int number_of(const Answer<T>& answer) {
  if (!answer) return -static_cast<int>(answer.error());
  if constexpr (std::is_void_v<T>) {
    return 0;
  } else {
    return static_cast<int>(*answer);
  }
}
inline int number_of(long result) { return result < 0 ? -errno : static_cast<int>(result); }

class Duo {
 public:
  static constexpr int kFirst = 200;  ///< the host's number of our 0
  static constexpr std::size_t kFull = vfs::Pipe::kCapacity;
  struct Result {
    int ours, linux;
    bool operator==(const Result&) const = default;
    [[nodiscard]] bool same() const { return ours == linux; }
  };

  Duo() = default;
  Duo(const Duo&) = delete;
  Duo& operator=(const Duo&) = delete;
  ~Duo() {
    for (int number = 0; number < most_; ++number) ::close(kFirst + number);
  }

  void make_pipe() {
    const auto ours = world.pipe();
    int linux[2];
    ASSERT_EQ(pipe2(linux, O_NONBLOCK), 0);
    for (int i = 0; i < 2; ++i) place(linux[i], ours[static_cast<std::size_t>(i)]);
    for (const Descriptor number : ours) {
      pipes_[&world.file(number)] = &static_cast<vfs::PipeEnd&>(world.file(number)).pipe();
    }
  }
  void make_event_count(std::uint32_t begin, bool semaphore) {
    const auto flags = vfs::flag::kNonBlock | (semaphore ? kSemaphore : 0);
    place(eventfd(begin, EFD_NONBLOCK | (semaphore ? EFD_SEMAPHORE : 0)),
          world.add(poll::make_event_count(begin, flags).value()));
    pipes_.erase(&world.file(most_ - 1));
  }
  Descriptor make_epoll() {
    const Descriptor made = world.epoll();
    pipes_.erase(&world.file(made));
    place(epoll_create1(0), made);
    return made;
  }
  void duplicate(Descriptor number) {
    const auto made = world.descriptors.duplicate(number);
    if (!made) return;
    tell("duplicate", {static_cast<std::uint64_t>(number), static_cast<std::uint64_t>(*made)});
    ASSERT_EQ(dup3(kFirst + number, kFirst + *made, 0), kFirst + *made);
    most_ = std::max(most_, *made + 1);
  }
  void close(Descriptor number) {
    tell("close", {static_cast<std::uint64_t>(number)});
    if (world.descriptors.close(number)) ASSERT_EQ(::close(kFirst + number), 0);
  }

  [[nodiscard]] vfs::File* file(Descriptor number) {
    const auto found = world.descriptors.get(number);
    return found ? found->get() : nullptr;
  }
  [[nodiscard]] bool is_epoll(Descriptor number) {
    return file(number) != nullptr && vfs::file_as<Epoll>(*file(number)) != nullptr;
  }
  [[nodiscard]] vfs::Pipe* pipe(Descriptor number) {
    const auto found = pipes_.find(file(number));
    return file(number) == nullptr || found == pipes_.end() ? nullptr : found->second;
  }

  /// Only what Linux's slots and our bytes make the same of: all of an empty pipe, or single bytes while it is not full.
  void write(Descriptor number, bool full) {
    vfs::Pipe* const its = pipe(number);
    if (its == nullptr || !file(number)->writable() || its->readers == 0) return;
    if (full ? its->held() != 0 : its->room() <= kFull / 2) return;
    const std::string text(full ? kFull : 1, 'x');
    tell("write", {static_cast<std::uint64_t>(number), text.size()});
    ASSERT_EQ(number_of(world.write(number, text)),
              number_of(::write(kFirst + number, text.data(), text.size())));
  }
  void read(Descriptor number, bool all) {
    if (pipe(number) == nullptr || !file(number)->readable()) return;
    if (!all && pipe(number)->room() < vfs::kPipeAtomic) return;
    std::string text(all ? kFull : 1, '?');
    tell("read", {static_cast<std::uint64_t>(number), text.size()});
    ASSERT_EQ(number_of(::read(kFirst + number, text.data(), text.size())), [&] {
      const auto got = world.read(number, text.size());
      return got ? static_cast<int>(got->size()) : -static_cast<int>(got.error());
    }());
  }
  Result write_number(Descriptor number, std::uint64_t value) {
    return {number_of(world.write_number(number, value)),
            number_of(::write(kFirst + number, &value, sizeof(value)))};
  }
  /// What was read, or an error.
  struct Read {
    int result;
    std::uint64_t value;
    bool operator==(const Read&) const = default;
  };
  std::array<Read, 2> read_number(Descriptor number) {
    const auto ours = world.read_number(number);
    Read linux{.result = 0, .value = 0};
    linux.result = number_of(::read(kFirst + number, &linux.value, sizeof(linux.value)));
    if (linux.result > 0) linux.result = 0;
    return {Read{ours ? 0 : -static_cast<int>(ours.error()), ours.value_or(0)}, linux};
  }
  Result control(Descriptor epoll, EpollOperation operation, Descriptor number, std::uint32_t events) {
    tell("control", {static_cast<std::uint64_t>(epoll), static_cast<std::uint64_t>(operation),
                     static_cast<std::uint64_t>(number), events});
    epoll_event event{};
    event.events = events;
    event.data.u64 = static_cast<std::uint64_t>(number);
    return {number_of(world.control(epoll, operation, number, events)),
            number_of(epoll_ctl(kFirst + epoll, static_cast<int>(operation), kFirst + number, &event))};
  }
  /// What is ready here, and there; in order.
  using Ready = std::vector<std::pair<std::uint32_t, std::uint64_t>>;
  std::array<Ready, 2> wait(Descriptor epoll, std::size_t most) {
    tell("wait", {static_cast<std::uint64_t>(epoll), most});
    std::array<Ready, 2> found;
    for (const EpollEvent& event : world.ready(epoll, most)) {
      found[0].emplace_back(+event.events, +event.data);  // copies: they lie anyhow
    }
    std::vector<epoll_event> events(most);
    const int count = epoll_wait(kFirst + epoll, events.data(), static_cast<int>(most), 0);
    for (int i = 0; i < count; ++i) {
      const epoll_event event = events[static_cast<std::size_t>(i)];
      found[1].emplace_back(+event.events, +event.data.u64);
    }
    return found;
  }

  World world;
  std::string story;  ///< what was done, for whoever has to understand a failure

 private:
  void tell(std::string_view what, std::initializer_list<std::uint64_t> numbers) {
    story += what;
    for (const std::uint64_t number : numbers) story += ' ' + std::to_string(number);
    story += '\n';
  }
  void place(int linux, Descriptor ours) {
    ASSERT_EQ(dup3(linux, kFirst + ours, 0), kFirst + ours);
    ASSERT_EQ(::close(linux), 0);
    most_ = std::max(most_, ours + 1);
  }

  std::map<vfs::File*, vfs::Pipe*> pipes_;
  Descriptor most_ = 0;
};

}  // namespace fb::libos::posix::poll::test

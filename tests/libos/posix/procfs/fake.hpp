// A system that /proc can tell of, with processes as a test sets them up.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libos/posix/procfs/information.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::procfs::test {

using vfs::test::error_of;

struct FakeProcess {
  ProcessState numbers;
  std::vector<std::int32_t> threads;
  std::string arguments, environment, auxiliary;
  std::vector<AreaState> areas;
  vfs::Target executable;
  Ref<vfs::Inode> directory, root;
  LimitStates limits;
  vfs::Descriptors descriptors;
};

inline void set_name(ProcessState& state, std::string_view name) {
  state.name = {};
  std::copy_n(name.data(), std::min<std::size_t>(name.size(), 15), state.name.data());
}

class Fake final : public Information {
 public:
  explicit Fake(const vfs::Mounts& mounts) : mounts_(mounts) {}
  std::map<std::int32_t, FakeProcess> processes;
  SystemState numbers;
  Subject who{.process = Pid(1), .thread = Pid(1)};
  Ref<vfs::Inode> root, working;
  vfs::Credentials credentials;

  [[nodiscard]] Subject caller() const override { return who; }
  [[nodiscard]] vfs::Place place() const override {
    return {.root = root, .directory = working, .who = credentials, .mounts = mounts_};
  }
  [[nodiscard]] SystemState system() const override { return numbers; }
  [[nodiscard]] ProcessorState processor(std::uint32_t number) const override {
    const auto ms = [&](std::uint64_t base) { return core::Nanoseconds((base + number) * 1'000'000'000); };
    return {.user = ms(10), .system = ms(20), .idle = ms(30)};
  }
  [[nodiscard]] std::optional<Pid> next_process(Pid after) const override {
    const auto next = processes.upper_bound(after.raw());
    return next == processes.end() ? std::nullopt : std::optional(Pid(next->first));
  }
  [[nodiscard]] std::optional<Pid> next_thread(Pid process, Pid after) const override {
    const auto* const found = find(process);
    if (found == nullptr) return std::nullopt;
    for (const auto thread : found->threads) {
      if (thread > after.raw()) return Pid(thread);
    }
    return std::nullopt;
  }
  [[nodiscard]] Answer<ProcessState> state(Subject subject) const override {
    const auto* const found = find(subject.process);
    if (found == nullptr) return fail(Errno::NoProcess);
    if (subject.thread != Pid(0) &&
        std::ranges::find(found->threads, subject.thread.raw()) == found->threads.end()) {
      return fail(Errno::NoProcess);
    }
    return found->numbers;
  }
  [[nodiscard]] Answer<std::size_t> start_part(Pid process, StartPart part, std::uint64_t offset,
                                               std::span<char> room) const override {
    const auto* const found = find(process);
    if (found == nullptr) return fail(Errno::NoProcess);
    const std::string& text = part == StartPart::Arguments     ? found->arguments
                              : part == StartPart::Environment ? found->environment
                                                               : found->auxiliary;
    if (offset >= text.size()) return 0;
    return text.copy(room.data(), room.size(), offset);
  }
  [[nodiscard]] Answer<std::optional<AreaState>> area(Pid process, std::uint64_t address) const override {
    const auto* const found = find(process);
    if (found == nullptr) return fail(Errno::NoProcess);
    ++areas_asked;
    for (const auto& area : found->areas) {
      if (area.end > address) return std::optional(area);
    }
    return std::optional<AreaState>();
  }
  [[nodiscard]] Answer<vfs::Target> held(Pid process, Held what) const override {
    const auto* const found = find(process);
    if (found == nullptr) return fail(Errno::NoProcess);
    if (what == Held::Executable) {
      return found->executable.inode ? Answer<vfs::Target>(found->executable) : fail(Errno::NoEntry);
    }
    return vfs::Target{.inode = what == Held::Root ? found->root : found->directory, .origin = {}};
  }
  [[nodiscard]] Answer<LimitStates> limits(Pid process) const override {
    const auto* const found = find(process);
    return found == nullptr ? Answer<LimitStates>(fail(Errno::NoProcess)) : found->limits;
  }
  [[nodiscard]] std::optional<vfs::Descriptor> next_descriptor(Pid process,
                                                               vfs::Descriptor from) const override {
    const auto* const found = find(process);
    return found == nullptr ? std::nullopt : found->descriptors.next_open(from);
  }
  [[nodiscard]] Answer<Open> descriptor(Pid process, vfs::Descriptor number) const override {
    const auto* const found = find(process);
    if (found == nullptr) return fail(Errno::NoProcess);
    FB_ASSIGN(const auto file, found->descriptors.get(number));
    return Open{.file = file, .close_on_exec = found->descriptors.close_on_exec(number).value()};
  }
  Answer<> set_name(Subject subject, std::string_view name) override {
    test::set_name(processes.at(subject.process.raw()).numbers, name);
    return {};
  }
  Answer<> set_oom_adjustment(Pid process, std::int32_t value) override {
    processes.at(process.raw()).numbers.oom_adjustment = value;
    return {};
  }
  mutable int areas_asked = 0;

 private:
  [[nodiscard]] const FakeProcess* find(Pid process) const {
    const auto found = processes.find(process.raw());
    return found == processes.end() ? nullptr : &found->second;
  }
  const vfs::Mounts& mounts_;
};

}  // namespace fb::libos::posix::procfs::test

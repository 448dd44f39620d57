// A Linux system call on its way through the LibOS (C4; DESIGN §8).
#pragma once

#include "libos/posix/task/fibre_waiter.hpp"
#include "libos/posix/task/process.hpp"
#include "libos/posix/vfs/io.hpp"

namespace fb::libos::posix::call {

/// What a handler gets: its thread and the argument registers, fetched once.
struct Call {
  task::Process& process;
  task::Thread& thread;
  std::uint64_t number;
  std::array<std::uint64_t, 6> arguments;
  /// Of a call that a ring makes: what argument 0 names, if it is given, and how long to wait.
  Ref<vfs::File> given{};
  vfs::Patience* patience = nullptr;

  [[nodiscard]] std::uint64_t word(unsigned i) const { return arguments[i]; }
  [[nodiscard]] core::VirtAddr address(unsigned i) const { return core::VirtAddr(arguments[i]); }
  [[nodiscard]] core::ByteCount bytes(unsigned i) const { return core::ByteCount(arguments[i]); }
  /// int and unsigned arguments are 32 bits, whatever lies above them.
  [[nodiscard]] std::int32_t number32(unsigned i) const { return static_cast<std::int32_t>(arguments[i]); }
  [[nodiscard]] std::uint32_t word32(unsigned i) const { return static_cast<std::uint32_t>(arguments[i]); }
  [[nodiscard]] mm::Space& memory() const { return process.memory(); }
  /// For a call that may have to wait.
  [[nodiscard]] task::FibreWaiter waiter() const {
    auto& fibres = process.system.fibres;
    return patience != nullptr ? task::FibreWaiter(fibres, *patience) : task::FibreWaiter(fibres, &thread);
  }
  /// Errors: BadDescriptor.
  [[nodiscard]] Answer<Ref<vfs::File>> file(unsigned i) const {
    return i == 0 && given ? given : process.descriptors.get(number32(i));
  }
  /// Nobody reads what it writes: SIGPIPE, besides the error.
  void broken_pipe() const;

  /// A structure out to the program or in from it. Errors: Fault, NoMemory.
  template <class T>
  [[nodiscard]] Answer<> put(core::VirtAddr to, const T& value) const {
    return memory().write(to, std::as_bytes(std::span(&value, 1)));
  }
  template <class T>
  [[nodiscard]] Answer<T> get(core::VirtAddr from) const {
    T value{};
    FB_TRY(memory().read(from, std::as_writable_bytes(std::span(&value, 1))));
    return value;
  }
  /// A path. Errors: Fault, NameTooLong, NoMemory.
  [[nodiscard]] Answer<Vector<char>> path(unsigned i) const {
    return memory().read_string(address(i), core::ByteCount(4096));
  }
};

inline std::string_view view(const Vector<char>& text) { return {text.begin(), text.size()}; }

using Done = Answer<std::uint64_t>;
using Handler = Done (*)(Call&);

/// Program memory as a file's reads and writes see it.
class ProgramOutput final : public vfs::Output {
 public:
  ProgramOutput(mm::Space& memory, core::VirtAddr at) : memory_(memory), at_(at) {}
  Answer<> put(std::span<const std::byte> bytes) override {
    FB_TRY(memory_.write(at_, bytes));
    at_ = at_ + core::ByteCount(bytes.size());
    return {};
  }

 private:
  mm::Space& memory_;
  core::VirtAddr at_;
};
class ProgramInput final : public vfs::Input {
 public:
  ProgramInput(mm::Space& memory, core::VirtAddr at) : memory_(memory), at_(at) {}
  Answer<> take(std::span<std::byte> bytes) override {
    FB_TRY(memory_.read(at_, bytes));
    at_ = at_ + core::ByteCount(bytes.size());
    return {};
  }

 private:
  mm::Space& memory_;
  core::VirtAddr at_;
};

/// Does the call in the thread's registers, if it is one that reads a single word of its process, which another thread may
/// change meanwhile as it may before or after: so it needs no lock. False: it is another one.
bool serve_unlocked(task::Thread& thread);
/// Does the call and gives what goes into rax. An unknown one is NoCall.
std::uint64_t serve(Call& call);
/// Its name, empty for a number that names none of ours.
std::string_view name_of(std::uint64_t number);

}  // namespace fb::libos::posix::call

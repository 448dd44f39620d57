// The programs that the monitor runs, each in a domain of its own.
#pragma once

#include "core/text/buffer.hpp"
#include "libos/rt/boot_archive.hpp"
#include "libos/rt/console.hpp"
#include "libos/rt/environment.hpp"
#include "libos/rt/machine.hpp"
#include "libos/rt/port.hpp"
#include "libos/rt/process.hpp"

namespace fb::libos::native {

inline constexpr std::size_t kMaxPrograms = 8;

/// A program of the archive while it runs.
class Program {
 public:
  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] bool running() const { return !process_.none(); }
  [[nodiscard]] std::string_view name() const { return {name_.data(), name_size_}; }
  [[nodiscard]] abi::Cap<abi::ObjectType::Context> context() const { return process_.context(); }
  [[nodiscard]] abi::Cap<abi::ObjectType::Budget> budget() const { return process_.budget(); }
  [[nodiscard]] rt::Port& port() { return port_; }

 private:
  friend class Programs;
  std::array<char, rt::kNameSize> name_{};
  std::size_t name_size_{};
  rt::Port port_;
  rt::Process process_;
  std::uint64_t slot_{};  ///< mask, on the monitor's CPU or another: cpu_
  core::CpuId cpu_;
  bool at_line_start_{true};
};

/// Starts, watches and ends them. From the monitor's one context.
class Programs {
 public:
  Programs(const rt::BootArchive& archive, rt::Fibres& fibres, rt::Console& console);

  /// Errors: NotFound (no such file), Busy (one of this name runs), Limit (kMaxPrograms run), NoSlices, those of
  /// Process::spawn.
  core::Result<Program*> start(std::string_view name, std::string_view arguments);
  /// Ends it now. Errors: NotFound.
  core::Result<> kill(std::string_view name);
  /// Waits for the end of a program that was started, shows what it writes and gives it what is typed. Ctrl-C ends it.
  int wait_in_foreground(Program& program);
  /// What was typed, and not read by a program that ran in the foreground meanwhile. 0: nothing now.
  core::Result<std::size_t> keys(std::span<char> out);
  /// Shows what programs in the background wrote, and which have ended.
  void look_after_background();
  [[nodiscard]] std::array<Program, kMaxPrograms>& all() { return programs_; }
  [[nodiscard]] const rt::BootArchive& archive() const { return archive_; }
  /// The bits by which programs make themselves heard.
  static abi::EventBits signals();

 private:
  struct Lease {
    core::CpuId cpu;
    std::uint64_t slot;
  };
  core::Result<Lease> lease();
  [[nodiscard]] std::size_t index_of(const Program& program) const;
  void show(Program& program, bool foreground);
  bool has_ended(const Program& program, int& status, bool& faulted) const;
  void take_back(Program& program);
  void finish(Program& program, bool foreground, int status, bool faulted);

  const rt::BootArchive& archive_;
  rt::Fibres& fibres_;
  rt::Console& console_;
  std::array<std::uint64_t, rt::kMaxCpus> free_slots_{};
  std::array<char, 1024> returned_{};  ///< typed while a program ran that did not read it
  std::size_t returned_start_{}, returned_end_{};
  std::array<Program, kMaxPrograms> programs_;
};

}  // namespace fb::libos::native

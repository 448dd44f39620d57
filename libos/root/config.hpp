// The boot configuration: which instances there are, and what each may have.
#pragma once

#include <array>
#include <expected>
#include <span>
#include <string_view>

#include "core/cap/rights.hpp"
#include "core/types.hpp"
#include "libos/rt/start_info.hpp"

namespace fb::libos::root {

inline constexpr std::size_t kMaxInstances = 16;
inline constexpr std::size_t kMaxInstanceName = 23;
inline constexpr std::size_t kMaxArguments = 255;
inline constexpr std::size_t kMaxFiles = rt::kFilesSize - 1;
inline constexpr std::uint32_t kAlways = ~std::uint32_t{0};
/// Pages of an instance: all that root does not need itself.
inline constexpr core::PageCount kRestOfMemory{0};

/// One line of the file; views into its text. See docs/running.md for the keys.
struct InstanceConfig {
  std::string_view name;   ///< letters, digits, '-' and '_'; unique
  std::string_view image;  ///< a file of the archive
  std::string_view arguments;
  std::string_view files;  ///< archives of the archive, with commas between; what its file system begins with
  core::PageCount pages{1024};            ///< or kRestOfMemory
  std::uint32_t slots{4};                 ///< slice slots on each of its CPUs, 1 to 63
  std::uint64_t cpus{~std::uint64_t{0}};  ///< mask; CPUs that the machine lacks do not count
  core::cap::Authorities authorities{core::cap::ceiling(core::cap::Zone::User)};
  std::uint32_t restarts{0};  ///< how often it is started again, or kAlways
  bool console{};             ///< has a console, and may get the focus
  bool control{};             ///< may list, start and end instances, and end the machine
  bool archive{};             ///< may read the boot archive
  bool command_file{};        ///< is told the name of the file that a command is in, and not its words
};

struct ConfigError {
  unsigned line{};  ///< from 1; 0 when the file as a whole is wrong
  std::string_view message;
  std::string_view word;  ///< what it is about; may be empty
};

struct Config {
  std::array<InstanceConfig, kMaxInstances> instances;
  std::size_t count{};
  [[nodiscard]] std::span<const InstanceConfig> all() const { return std::span(instances).first(count); }

  /// Any bytes: the first thing wrong is the error. The text must outlive the result.
  static std::expected<Config, ConfigError> parse(std::string_view text);
};

/// What root finds on the kernel's command line.
struct CommandLine {
  std::string_view config{"boot.conf"};  ///< config=NAME
  std::string_view command;              ///< all that follows " -- "; for the first instance with a console
  std::string_view command_file;         ///< command=NAME: a file with it (rt::Command)
  bool has_command{};                    ///< in one way or the other

  /// Words that are not root's are the kernel's: passed over.
  static CommandLine parse(std::string_view text);
};

}  // namespace fb::libos::root

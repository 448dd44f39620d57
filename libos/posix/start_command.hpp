// What an instance is to run first, and what it may have said about it.
#pragma once

#include <span>
#include <string_view>

#include "libos/posix/base/vector.hpp"
#include "libos/posix/vfs/path.hpp"
#include "libos/rt/boot_archive.hpp"

namespace fb::libos::posix {

/// Views into the instance's arguments or the boot archive.
struct StartCommand {
  Vector<std::string_view> words;  ///< at least one
  Vector<std::string_view> environment;
  Vector<std::string_view> wanted;  ///< files and folders to hand out in the end
  std::string_view directory{"/"};
  std::string_view input;      ///< file that is the standard input; empty: the console is
  bool streams{};              ///< the console's other end understands streams (console_wire.hpp)
  bool terminal{};             ///< and is a terminal
  unsigned rows{}, columns{};  ///< of it; 0 when nobody knows
};

/// `arguments` are the words, or @FILE for a file of the archive (rt::Command). Errors: NoEntry, Invalid for the file, NoMemory, and
/// ArgumentsTooLong where there are no words at all.
Answer<StartCommand> start_command(std::string_view arguments, const rt::BootArchive& archive);

/// The path of the program that a word names: itself with a slash in it, or else the first that is there by PATH, into `room`.
/// Errors: NoEntry, NameTooLong.
Answer<std::string_view> find_program(const vfs::Place& place, const StartCommand& command,
                                      std::span<char> room);

}  // namespace fb::libos::posix

// Scripts: files that name their interpreter in the first line (execve(2), "Interpreter scripts").
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "libos/posix/base/errno.hpp"

namespace fb::libos::posix::exec {

/// A copy of what matters of the line, so that the file can go.
class Script {
 public:
  static constexpr std::size_t kMostBytes =
      256;  ///< of the line, "#!" and newline included (BINPRM_BUF_SIZE)

  [[nodiscard]] std::string_view interpreter() const { return {text_.data(), interpreter_}; }
  /// All the rest of the line as one word; may be empty.
  [[nodiscard]] std::string_view argument() const { return {text_.data() + interpreter_, argument_}; }

 private:
  friend Answer<std::optional<Script>> script_of(std::span<const std::byte> head);
  std::array<char, kMostBytes> text_{};
  std::size_t interpreter_ = 0, argument_ = 0;
};

/// None, if `head`, the beginning of a file, does not begin with "#!". Errors: NotExecutable when it names no interpreter, or the
/// interpreter's name does not end in the line's first kMostBytes.
Answer<std::optional<Script>> script_of(std::span<const std::byte> head);

}  // namespace fb::libos::posix::exec

#include "libos/posix/exec/script.hpp"

#include <algorithm>

namespace fb::libos::posix::exec {
namespace {

constexpr std::string_view kBlanks = " \t";

/// Without its first `count` characters; substr would have to be able to throw.
std::string_view behind(std::string_view text, std::size_t count) {
  text.remove_prefix(std::min(count, text.size()));
  return text;
}

std::string_view without_blanks_before(std::string_view text) {
  return behind(text, text.find_first_not_of(kBlanks));
}

}  // namespace

Answer<std::optional<Script>> script_of(std::span<const std::byte> head) {
  const std::string_view all(reinterpret_cast<const char*>(head.data()),
                             std::min(head.size(), Script::kMostBytes - 1));
  if (!all.starts_with("#!")) return std::nullopt;
  const auto end = all.find_first_of(std::string_view("\n\0", 2));
  const bool cut = end == std::string_view::npos && all.size() == Script::kMostBytes - 1;
  auto line = without_blanks_before(behind(all.substr(0, end), 2));
  const auto name = line.substr(0, line.find_first_of(kBlanks));
  if (name.empty() || (cut && name.size() == line.size())) return fail(Errno::NotExecutable);
  auto rest = without_blanks_before(behind(line, name.size()));
  rest = rest.substr(0, rest.find_last_not_of(kBlanks) + 1);
  Script script;
  std::ranges::copy(rest, std::ranges::copy(name, script.text_.data()).out);
  script.interpreter_ = name.size();
  script.argument_ = rest.size();
  return script;
}

}  // namespace fb::libos::posix::exec

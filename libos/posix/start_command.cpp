#include "libos/posix/start_command.hpp"

#include <algorithm>

#include "core/text/parse.hpp"
#include "libos/rt/command.hpp"

namespace fb::libos::posix {
namespace {

constexpr std::array<std::string_view, 4> kEnvironment{
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root",
    "TERM=linux"};

std::string_view name_of(std::string_view variable) {
  std::size_t size = 0;
  while (size != variable.size() && variable[size] != '=') ++size;
  return {variable.data(), size};
}
std::string_view value_of(std::string_view variable) {
  const std::size_t name = std::min(name_of(variable).size() + 1, variable.size());
  return {variable.data() + name, variable.size() - name};
}

/// What comes later counts.
Answer<> set(Vector<std::string_view>& environment, std::string_view variable) {
  for (auto& old : environment) {
    if (name_of(old) != name_of(variable)) continue;
    old = variable;
    return {};
  }
  return environment.push_back(variable);
}

void set_size(StartCommand& command, std::string_view text) {
  command.terminal = true;
  unsigned* const sizes[] = {&command.rows, &command.columns};
  std::size_t at = 0;
  for (const auto word : core::text::split_words(text)) {
    if (at == std::size(sizes)) return;
    const auto number = core::text::parse_decimal(word);
    *sizes[at++] = number && *number < 10'000 ? static_cast<unsigned>(*number) : 0;
  }
}

Answer<> take(StartCommand& command, rt::Command::Item item) {
  switch (item.field) {
    case rt::CommandField::Argument:
      return command.words.push_back(item.value);
    case rt::CommandField::Environment:
      return set(command.environment, item.value);
    case rt::CommandField::Directory:
      command.directory = item.value;
      return {};
    case rt::CommandField::Input:
      command.input = item.value;
      return {};
    case rt::CommandField::Terminal:
      set_size(command, item.value);
      return {};
    case rt::CommandField::Out:
      return command.wanted.push_back(item.value);
  }
  return fail(Errno::Invalid);
}

}  // namespace

Answer<StartCommand> start_command(std::string_view arguments, const rt::BootArchive& archive) {
  StartCommand command;
  for (const auto variable : kEnvironment) FB_TRY(command.environment.push_back(variable));
  if (arguments.starts_with('@')) {
    arguments.remove_prefix(1);
    const auto entry = archive.find(arguments);
    if (!entry) return fail(Errno::NoEntry);
    const auto file = rt::Command::parse(entry->contents);
    if (!file) return fail(Errno::Invalid);
    command.streams = true;
    for (const auto& item : *file) FB_TRY(take(command, item));
  } else {
    for (const auto word : core::text::split_words(arguments)) FB_TRY(command.words.push_back(word));
    command.terminal = true;  // a person sits in front of it
  }
  if (command.words.empty()) return fail(Errno::ArgumentsTooLong);
  return command;
}

Answer<std::string_view> find_program(const vfs::Place& place, const StartCommand& command,
                                      std::span<char> room) {
  const std::string_view word = command.words[0];
  if (word.find('/') != std::string_view::npos) return word;
  std::string_view folders;
  for (const auto variable : command.environment) {
    if (name_of(variable) == "PATH") folders = value_of(variable);
  }
  for (bool more = !word.empty(); more;) {
    const std::size_t size = std::min(folders.find(':'), folders.size());
    const std::string_view folder(folders.data(), size);
    more = size != folders.size();
    folders.remove_prefix(more ? size + 1 : size);
    if (folder.size() + 1 + word.size() > room.size()) return fail(Errno::NameTooLong);
    char* end = std::ranges::copy(folder, room.data()).out;
    if (!folder.empty()) *end++ = '/';
    end = std::ranges::copy(word, end).out;
    const std::string_view path(room.data(), static_cast<std::size_t>(end - room.data()));
    const auto found = vfs::resolve(place, path, true);
    if (found && (*found)->is(vfs::mode::kRegular)) return path;
  }
  return fail(Errno::NoEntry);
}

}  // namespace fb::libos::posix

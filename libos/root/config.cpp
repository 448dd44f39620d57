#include "libos/root/config.hpp"

#include <optional>

#include "core/text/parse.hpp"

namespace fb::libos::root {
namespace {

using core::cap::Authorities;

constexpr bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
constexpr bool name_character(char c) {
  return (c >= '0' && c <= '9') || (upper(c) >= 'A' && upper(c) <= 'Z') || c == '-' || c == '_';
}

/// Takes `size` characters off the front.
std::string_view take(std::string_view& text, std::size_t size) {
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}
std::string_view take_until(std::string_view& text, char end) {
  std::size_t size = 0;
  while (size != text.size() && text[size] != end) ++size;
  return take(text, size);
}

struct Assignment {
  std::string_view key;
  std::string_view value;
};

/// The next word of a line, `key=value` or `key="value with blanks"`. Nothing at the end or at a comment.
std::expected<std::optional<Assignment>, std::string_view> next(std::string_view& line) {
  while (!line.empty() && blank(line.front())) line.remove_prefix(1);
  if (line.empty() || line.front() == '#') return std::nullopt;
  std::size_t size = 0;
  while (size != line.size() && !blank(line[size]) && line[size] != '=') ++size;
  Assignment word{take(line, size), {}};
  if (line.empty() || line.front() != '=') return word;
  line.remove_prefix(1);
  if (!line.empty() && line.front() == '"') {
    line.remove_prefix(1);
    word.value = take_until(line, '"');
    if (line.empty()) return std::unexpected("a quote is not closed");
    line.remove_prefix(1);
    if (!line.empty() && !blank(line.front())) return std::unexpected("a blank must follow a quoted value");
    return word;
  }
  size = 0;
  while (size != line.size() && !blank(line[size])) ++size;
  word.value = take(line, size);
  return word;
}

std::optional<Authorities> authority_named(std::string_view name) {
  struct Row {
    std::string_view name;
    Authorities value;
  };
  static constexpr Row kRows[] = {
      {"USER", core::cap::ceiling(core::cap::Zone::User)},
      {"LIBOS", core::cap::ceiling(core::cap::Zone::Libos)},
      {"KERNEL", core::cap::ceiling(core::cap::Zone::Kernel)},
      {"NONE", Authorities{}},
#define FB_AUTHORITY(name, cname, bit, zone, text) {#cname, Authorities(core::cap::Authority::name)},
#include "core/cap/authorities.def"
#undef FB_AUTHORITY
  };
  for (const Row& row : kRows) {
    if (row.name.size() != name.size()) continue;
    std::size_t i = 0;
    while (i != name.size() && upper(name[i]) == row.name[i]) ++i;
    if (i == name.size()) return row.value;
  }
  return std::nullopt;
}

/// The message of what is wrong, or nothing. `number` in [low, high].
std::string_view set_number(auto& out, std::string_view value, std::uint64_t low, std::uint64_t high,
                            std::string_view message) {
  const auto number = core::text::parse_number(value);
  if (!number || *number < low || *number > high) return message;
  out = std::remove_reference_t<decltype(out)>(*number);
  return {};
}

std::string_view set_flag(bool& out, std::string_view value) {
  if (value != "yes" && value != "no") return "the value must be yes or no";
  out = value == "yes";
  return {};
}

std::string_view set_authorities(Authorities& out, std::string_view value) {
  out = {};
  for (bool more = true; more;) {
    const auto named = authority_named(take_until(value, ','));
    if (!named) return "authorities are user, libos, kernel, none, or names like process_create";
    out = out.join(*named);
    more = !value.empty();
    if (more) value.remove_prefix(1);
  }
  return {};
}

std::string_view set_image(std::string_view& out, std::string_view value) {
  if (value.empty()) return "image must name a file of the archive";
  out = value;
  return {};
}

std::string_view set_arguments(std::string_view& out, std::string_view value) {
  if (value.size() > kMaxArguments) return "args is longer than 255 characters";
  if (value.find('\0') != value.npos) return "args has a NUL in it";
  out = value;
  return {};
}

std::string_view set_files(std::string_view& out, std::string_view value) {
  if (value.size() > kMaxFiles) return "files is longer than 127 characters";
  if (value.empty() || value.front() == ',' || value.back() == ',' || value.find(",,") != value.npos) {
    return "files must be names with commas between";
  }
  out = value;
  return {};
}

constexpr std::uint64_t kMaxPages = std::uint64_t{1} << 31;

enum class Key : std::uint8_t {
  Image,
  Args,
  Files,
  Pages,
  Slots,
  Cpus,
  Authorities,
  Restart,
  Console,
  Control,
  Archive,
  Command
};
constexpr std::string_view kKeys[] = {"image",       "args",    "files",   "pages",   "slots",   "cpus",
                                      "authorities", "restart", "console", "control", "archive", "command"};

std::string_view set(InstanceConfig& instance, Key key, std::string_view value) {
  switch (key) {
    case Key::Image:
      return set_image(instance.image, value);
    case Key::Args:
      return set_arguments(instance.arguments, value);
    case Key::Files:
      return set_files(instance.files, value);
    case Key::Pages:
      instance.pages = kRestOfMemory;
      if (value == "rest") return {};
      return set_number(instance.pages, value, 1, kMaxPages, "pages must be rest or 1 to 2147483648");
    case Key::Slots:
      return set_number(instance.slots, value, 1, 63, "slots must be 1 to 63");
    case Key::Cpus:
      if (value == "all") return {};
      return set_number(instance.cpus, value, 1, ~std::uint64_t{0}, "cpus must be all or a mask like 0x3");
    case Key::Authorities:
      return set_authorities(instance.authorities, value);
    case Key::Restart:
      if (value == "always" || value == "never") {
        instance.restarts = value == "always" ? kAlways : 0;
        return {};
      }
      return set_number(instance.restarts, value, 0, 1'000'000, "restart must be never, always or a number");
    case Key::Console:
      return set_flag(instance.console, value);
    case Key::Control:
      return set_flag(instance.control, value);
    case Key::Archive:
      return set_flag(instance.archive, value);
    case Key::Command:
      if (value != "words" && value != "file") return "command must be words or file";
      instance.command_file = value == "file";
      return {};
  }
  return "unknown key";
}

class Parser {
 public:
  std::expected<Config, ConfigError> parse(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      std::string_view line = take_until(text, '\n');
      if (!text.empty()) text.remove_prefix(1);
      if (!take_line(line)) return std::unexpected(error_);
    }
    line_ = 0;
    if (config_.count == 0) return std::unexpected(ConfigError{0, "there is no instance in it", {}});
    return config_;
  }

 private:
  bool wrong(std::string_view message, std::string_view word = {}) {
    error_ = {line_, message, word};
    return false;
  }

  bool take_line(std::string_view line) {
    const auto first = next(line);
    if (!first) return wrong(first.error());
    if (!*first) return true;
    if ((*first)->key != "instance" || !(*first)->value.empty()) {
      return wrong("a line begins with instance", (*first)->key);
    }
    const auto name = next(line);
    if (!name) return wrong(name.error());
    if (!*name || !valid_name((*name)->key) || !(*name)->value.empty()) {
      return wrong("instance needs a name of at most 23 letters, digits, - and _");
    }
    if (config_.count == kMaxInstances) return wrong("there are more than 16 instances", (*name)->key);
    for (const InstanceConfig& other : config_.all()) {
      if (other.name == (*name)->key) return wrong("there is an instance of this name already", (*name)->key);
    }
    InstanceConfig instance;
    instance.name = (*name)->key;
    if (!take_keys(instance, line)) return false;
    if (instance.image.empty()) return wrong("image= is missing", instance.name);
    config_.instances[config_.count++] = instance;
    return true;
  }

  bool take_keys(InstanceConfig& instance, std::string_view line) {
    std::uint32_t seen = 0;
    for (;;) {
      const auto word = next(line);
      if (!word) return wrong(word.error());
      if (!*word) return true;
      std::size_t key = 0;
      while (key != std::size(kKeys) && kKeys[key] != (*word)->key) ++key;
      if (key == std::size(kKeys)) return wrong("unknown key", (*word)->key);
      if ((seen >> key & 1) != 0) return wrong("the key is there twice", (*word)->key);
      seen |= 1u << key;
      const auto message = set(instance, static_cast<Key>(key), (*word)->value);
      if (!message.empty()) return wrong(message, (*word)->value);
    }
  }

  static bool valid_name(std::string_view name) {
    for (const char c : name) {
      if (!name_character(c)) return false;
    }
    return !name.empty() && name.size() <= kMaxInstanceName;
  }

  Config config_;
  ConfigError error_;
  unsigned line_{};
};

}  // namespace

std::expected<Config, ConfigError> Config::parse(std::string_view text) { return Parser().parse(text); }

CommandLine CommandLine::parse(std::string_view text) {
  constexpr std::string_view kConfig = "config=", kCommand = "command=";
  CommandLine line;
  auto words = core::text::split_words(text);
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (*word == "--") {
      line.has_command = true;
      line.command = word.rest();
      while (!line.command.empty() && blank(line.command.front())) line.command.remove_prefix(1);
      break;
    }
    if ((*word).starts_with(kConfig)) {
      line.config = *word;
      line.config.remove_prefix(kConfig.size());
    }
    if ((*word).starts_with(kCommand)) {
      line.has_command = true;
      line.command_file = *word;
      line.command_file.remove_prefix(kCommand.size());
    }
  }
  return line;
}

}  // namespace fb::libos::root

#include "libos/native/monitor.hpp"

#include <algorithm>

#include "core/text/parse.hpp"

namespace fb::libos::native {
namespace {

struct Split {
  std::string_view first, rest;
};

Split split(std::string_view text) {
  const auto words = core::text::split_words(text);
  const auto word = words.begin();
  std::string_view rest = word.rest();
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
  return {*word, rest};
}

constexpr int kBadUsage = 2;
constexpr int kRefused = 1;

}  // namespace

const Monitor::Command Monitor::kCommands[] = {
    {"help", "help", "this list", &Monitor::help},
    {"caps", "caps", "the capabilities that this monitor holds, and their rights", &Monitor::caps},
    {"mem", "mem", "pages of this monitor's budget and of the machine", &Monitor::mem},
    {"cpus", "cpus", "processors, and the slice slots held on each", &Monitor::cpus},
    {"top", "top", "contexts: state, processor, time since the last top", &Monitor::top},
    {"ps", "ps", "programs of this monitor", &Monitor::ps},
    {"instances", "instances", "instances of the machine", &Monitor::instances},
    {"run", "run NAME [ARGS] [&]", "start a program of the boot archive; & leaves it in the background",
     &Monitor::run},
    {"kill", "kill NAME", "end a program, or an instance", &Monitor::kill},
    {"crash", "crash NAME", "take an instance's code away: it faults, as one with an error would",
     &Monitor::crash},
    {"start", "start NAME", "start an instance that has ended", &Monitor::start},
    {"focus", "focus NAME", "give the keyboard to another instance (Ctrl-] goes round)", &Monitor::focus},
    {"quit", "quit [STATUS]", "end the machine", &Monitor::quit},
};

int Monitor::converse() {
  print("Type help for the commands.\n");
  prompt();
  const abi::EventBits mask(rt::bits_of(rt::Signal::Input).raw() | Programs::signals().raw());
  for (;;) {
    std::array<char, rt::kWordBytes> typed;
    // One at a time: what follows a command may be meant for the program that it starts.
    const auto count = programs_.keys(std::span(typed).first(1));
    if (!count) return kRefused;
    for (std::size_t i = 0; i != *count; ++i) {
      using Event = LineEditor<rt::Console>::Event;
      const Event event = editor_.take(typed[i]);
      if (event == Event::EndOfInput) return quit("0");
      if (event == Event::None) continue;
      if (event == Event::Line) {
        const int status = execute(editor_.line());
        if (ended_) return status;
      }
      prompt();
    }
    programs_.look_after_background();
    if (*count == 0) static_cast<void>(fibres_.wait(mask));
  }
}

void Monitor::prompt() { print(rt::environment().name, "> "); }

int Monitor::execute(std::string_view line) {
  const auto [name, arguments] = split(line);
  if (name.empty()) return 0;
  for (const Command& command : kCommands) {
    if (command.name == name) return (this->*command.run)(arguments);
  }
  print(name, ": no such command; type help for the list, or run ", name, " for a program of that name\n");
  return kBadUsage;
}

int Monitor::execute_command(std::string_view line) {
  const auto name = split(line).first;
  for (const Command& command : kCommands) {
    if (command.name == name) return execute(line);
  }
  return run(line);
}

void Monitor::column(std::string_view text, std::size_t width) {
  constexpr std::string_view kBlanks = "                                ";
  const std::size_t missing = text.size() < width ? width - text.size() : 1;
  print(text, kBlanks.substr(0, missing));
}

int Monitor::help(std::string_view) {
  for (const Command& command : kCommands) {
    print("  ");
    column(command.usage, 22);
    print(command.text, "\n");
  }
  return 0;
}

int Monitor::refuse(std::string_view what, core::Error error) {
  print(what, ": ", core::describe(error), "\n");
  return kRefused;
}

int Monitor::run(std::string_view arguments) {
  auto [name, rest] = split(arguments);
  const bool background = !arguments.empty() && arguments.back() == '&';
  if (background && !rest.empty()) rest.remove_suffix(1);
  if (background && rest.empty() && !name.empty() && name.back() == '&') name.remove_suffix(1);
  if (name.empty()) {
    print("usage: run NAME [ARGS] [&]\n");
    return kBadUsage;
  }
  const auto started = programs_.start(name, rest);
  if (!started) {
    refuse(name, started.error());
    if (started.error() == core::Error::NotFound) {
      print("The boot archive has:");
      for (const auto& entry : programs_.archive().entries()) {
        if (entry.regular()) print(" ", entry.name);
      }
      print("\n");
      return 127;
    }
    if (started.error() == core::Error::Busy) print("kill ", name, " ends the one that runs.\n");
    return 126;
  }
  return background ? 0 : programs_.wait_in_foreground(**started);
}

int Monitor::kill(std::string_view arguments) {
  const auto name = split(arguments).first;
  if (name.empty()) {
    print("usage: kill NAME\n");
    return kBadUsage;
  }
  if (programs_.kill(name)) return 0;
  return control_by_name(rt::ControlCall::Kill, "kill", name);
}

int Monitor::crash(std::string_view arguments) {
  return control_by_name(rt::ControlCall::Crash, "crash", split(arguments).first);
}

int Monitor::start(std::string_view arguments) {
  return control_by_name(rt::ControlCall::Start, "start", split(arguments).first);
}

int Monitor::focus(std::string_view arguments) {
  return control_by_name(rt::ControlCall::Focus, "focus", split(arguments).first);
}

int Monitor::control_by_name(rt::ControlCall call, std::string_view verb, std::string_view name) {
  if (name.empty()) {
    print("usage: ", verb, " NAME\n");
    return kBadUsage;
  }
  const auto answer = console_.request(rt::with_name(static_cast<std::uint64_t>(call), 0, name));
  if (answer) return 0;
  switch (answer.error()) {
    case core::Error::NotFound:
      print(verb, ": nothing here is called ", name, "; ps and instances list what there is\n");
      break;
    case core::Error::Denied:
      print(verb, ": this instance may not: its line of the boot configuration lacks control=yes\n");
      break;
    case core::Error::NotReady:
      print(verb, ": ", name, " is not running\n");
      break;
    case core::Error::Busy:
      print(verb, ": ", name, " is running already\n");
      break;
    default:
      return refuse(verb, answer.error());
  }
  return kRefused;
}

int Monitor::quit(std::string_view arguments) {
  std::uint64_t status = 0;
  if (const auto word = split(arguments).first; !word.empty()) {
    const auto number = core::text::parse_decimal(word);
    if (!number || *number > 255) {
      print("usage: quit [STATUS], STATUS from 0 to 255\n");
      return kBadUsage;
    }
    status = *number;
  }
  // Where that is not allowed, only this monitor ends.
  const auto answer = console_.request({static_cast<std::uint64_t>(rt::ControlCall::Shutdown), status});
  static_cast<void>(answer);
  ended_ = true;
  return static_cast<int>(status);
}

}  // namespace fb::libos::native

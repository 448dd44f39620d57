#include "libos/root/root.hpp"

#include "libos/rt/command.hpp"

namespace fb::libos::root {

using core::text::format_to;
using core::text::hex;

namespace {

abi::EventBits bits_of(abi::Bit a, abi::Bit b) {
  return abi::EventBits(std::uint64_t{1} << a.raw() | std::uint64_t{1} << b.raw());
}

std::uint64_t info(abi::Info which) { return abi::calls::machine_info(which).value_or(0); }

}  // namespace

Root::Root(abi::Cap<abi::ObjectType::Event> event, OwnedDevice com1, OwnedDevice com2, OwnedDevice power)
    : machine_(event),
      fibres_(machine_),
      upcalls_(fibres_),
      event_(event),
      com1_(std::move(com1)),
      com2_(std::move(com2)),
      power_device_(std::move(power)),
      screen_(DevicePorts(com1_.get())),
      frames_(DevicePorts(com2_.get())),
      power_(power_device_.get()),
      mux_(screen_),
      slots_(rt::environment().cpus),
      command_line_(CommandLine::parse(rt::environment().arguments)),
      input_upcall_{abi::EventBits(std::uint64_t{1} << kInputBit.raw()), &Root::input, this} {}

void Root::run() {
  screen_.initialise(true);
  frames_.initialise(false);
  auto archive = rt::BootArchive::open();
  if (!archive) give_up("the boot archive cannot be read", core::describe(archive.error()));
  archive_ = *std::move(archive);
  if (!load_config()) shut_down(1);
  // Where a command's output begins: what came before is the machine's own.
  if (command_line_.has_command) {
    screen_.put(command_is_in_file() ? "\x1b_fb:streams\x1b\\" : "\x1b_fb:begin\x1b\\");
  }
  banner();
  start_input();
  for (std::size_t id = 0; id != count_; ++id) {
    keepers_[id] = {this, id};
    if (!fibres_.spawn(&Root::keep, &keepers_[id], true)) give_up("out of memory", "no stack for a keeper");
  }
  for (;;) fibres_.block();
}

bool Root::load_config() {
  const auto file = archive_.find(command_line_.config);
  if (!file) {
    report("there is no file ", command_line_.config, " in the boot archive; name one with config=NAME");
    return false;
  }
  const auto config = Config::parse(file->contents);
  if (!config) return fail_config(config.error(), file->name);
  bool focused = false;
  for (const InstanceConfig& instance : config->all()) {
    instances_[count_].config = instance;
    instances_[count_].policy = RestartPolicy(instance.restarts);
    mux_.name(count_, instance.name);
    if (instance.console && !focused) {
      mux_.set_focus(count_);
      focused = true;
    }
    ++count_;
  }
  return !command_line_.has_command || hand_command_to_console();
}

bool Root::fail_config(const ConfigError& error, std::string_view file) {
  report(file, ':', error.line, ": ", error.message, error.word.empty() ? "" : ": ", error.word);
  return false;
}

/// The instance in focus reads the file itself, and speaks for itself from then on.
bool Root::command_is_in_file() const {
  return !command_line_.command_file.empty() && instances_[mux_.focus()].config.command_file;
}

/// False when there is no such command, or no room for it.
bool Root::hand_command_to_console() {
  Instance& instance = instances_[mux_.focus()];
  instance.policy = RestartPolicy(0);
  std::string_view& arguments = instance.config.arguments;
  if (command_is_in_file()) {
    arguments = format_to(command_arguments_, '@', command_line_.command_file);
    return true;
  }
  core::text::BufferSink words(command_arguments_);
  core::text::print(words, arguments);
  if (command_line_.command_file.empty()) {
    core::text::print(words, arguments.empty() ? "" : " ", command_line_.command);
  } else {
    const auto file = archive_.find(command_line_.command_file);
    const auto command = file.and_then([](const auto& entry) { return rt::Command::parse(entry.contents); });
    if (!command) {
      report("the command in ", command_line_.command_file, ": ", core::describe(command.error()));
      return false;
    }
    for (const auto& item : *command) {
      if (item.field != rt::CommandField::Argument) continue;
      core::text::print(words, words.text().empty() ? "" : " ", item.value);
    }
  }
  arguments = words.text();
  if (!words.cut()) return true;
  report("the command is too long for ", instance.config.name);
  return false;
}

void Root::banner() {
  note("FeuerBird: ", info(abi::Info::Cpus), " CPUs, ", info(abi::Info::TotalPages) >> 8, " MiB, ",
       info(abi::Info::KernelLines), " ring-0 lines, booted in ", info(abi::Info::BootTicks),
       " instructions");
}

void Root::say(std::string_view text, FrameType type) {
  // A command's output is the command's alone.
  if (command_line_.has_command) {
    send_frame(frames_, type, text);
  } else {
    mux_.announce("root", text);
  }
}

void Root::keep(void* keeper) {
  const auto& self = *static_cast<Keeper*>(keeper);
  self.root->keep_instance(self.id);
}

/// The life of one instance, again and again.
void Root::keep_instance(std::size_t id) {
  Instance& instance = instances_[id];
  for (;;) {
    instance.start_wanted = false;
    const auto started = start(id);
    if (!started) {
      instance.status = rt::InstanceStatus::Failed;
      instance.started = rt::now();
      instance.last_status = 126;
      report(instance.config.name, " did not start: ", core::describe(started.error()));
    }
    // What was typed before it could take it.
    if (started && id == mux_.focus()) take_input();
    while (started && !instance.has_ended()) {
      static_cast<void>(fibres_.wait(bits_of(port_bit(id), end_bit(id))));
      drain(id);
      serve_requests(id);
      if (id == mux_.focus()) take_input();
    }
    if (started && settle(id)) continue;
    end_if_nothing_is_left();
    while (!instance.start_wanted) static_cast<void>(fibres_.wait(bits_of(end_bit(id), end_bit(id))));
  }
}

core::Result<> Root::start(std::size_t id) {
  Instance& instance = instances_[id];
  FB_ASSIGN(const auto image, archive_.find(instance.config.image));
  return instance.start(id, image.bytes(), pages_of(instance), slots_, event_);
}

/// What is not spent, without what root and the instances that do not run yet need.
core::PageCount Root::pages_of(const Instance& instance) const {
  constexpr std::uint64_t kForRoot = 2048;
  if (instance.config.pages != kRestOfMemory) return instance.config.pages;
  const std::uint64_t account = abi::calls::budget_query(rt::environment().budget).value_or(0);
  std::uint64_t rest = (account >> 32) - (account & 0xffff'ffff), needed = kForRoot;
  for (std::size_t id = 0; id != count_; ++id) {
    if (instances_[id].status != rt::InstanceStatus::Running) needed += instances_[id].config.pages.raw();
  }
  return core::PageCount(rest > needed ? rest - needed : 1);
}

void Root::drain(std::size_t id) {
  std::array<char, 256> bytes;
  for (;;) {
    const std::size_t size = instances_[id].port().take_output(bytes);
    if (size == 0) return;
    const std::string_view text(bytes.data(), size);
    // Beside a command's output there is no room for that of others.
    if (!command_line_.has_command || id == mux_.focus()) mux_.write(id, text);
    if (size != bytes.size()) return;
    // One that writes without end must not keep the others waiting.
    fibres_.yield();
  }
}

void Root::serve_requests(std::size_t id) {
  rt::Port& port = instances_[id].port();
  if (const auto request = port.request()) port.give_answer(control(id, *request));
}

/// After its end. True when it is to start again, now.
bool Root::settle(std::size_t id) {
  Instance& instance = instances_[id];
  drain(id);
  // A command's output is all of it its own, its last newline too.
  if (!command_line_.has_command) mux_.end_line(id);
  const Ending ending = instance.ending();
  const core::Nanoseconds ran_for = rt::now() - instance.started;
  instance.release(slots_);
  instance.last_status = ending.status;
  report_ending(instance, ending);
  if (!instance.policy.again()) {
    instance.status = rt::InstanceStatus::Ended;
    return false;
  }
  instance.status = rt::InstanceStatus::Waiting;
  const core::Nanoseconds delay = instance.policy.next(ran_for);
  report(instance.config.name, " starts again in ", delay.raw() / 1'000'000, " ms (restart ",
         instance.policy.restarts(), ")");
  fibres_.sleep_for(delay);
  return true;
}

void Root::report_ending(const Instance& instance, const Ending& ending) {
  if (ending.faulted) {
    report(instance.config.name, " faulted: vector ", ending.vector, " at ", hex(ending.instruction),
           ", address ", hex(ending.address));
  } else if (ending.killed) {
    report(instance.config.name, " was killed");
  } else {
    note(instance.config.name, " ended with status ", ending.status);
  }
}

void Root::end_if_nothing_is_left() {
  const Instance& focused = instances_[mux_.focus()];
  const bool command_done = command_line_.has_command && focused.started.raw() != 0 &&
                            focused.status != rt::InstanceStatus::Running;
  for (std::size_t id = 0; id != count_ && !command_done; ++id) {
    const auto status = instances_[id].status;
    if (status == rt::InstanceStatus::Running || status == rt::InstanceStatus::Waiting) return;
    // Not started yet: its keeper has not had its turn.
    if (status == rt::InstanceStatus::Ended && instances_[id].started.raw() == 0) return;
  }
  shut_down(focused.last_status);
}

void Root::shut_down(int status) {
  send_status(frames_, status);
  power_.off();
  for (;;) fibres_.block();
}

void Root::give_up(std::string_view what, std::string_view why) {
  report(what, ": ", why);
  shut_down(1);
}

}  // namespace fb::libos::root

// The first domain: starts the instances of the boot configuration, serves their consoles, supervises them.
#pragma once

#include "core/text/buffer.hpp"
#include "libos/root/console_mux.hpp"
#include "libos/root/devices.hpp"
#include "libos/root/instance.hpp"
#include "libos/rt/boot_archive.hpp"
#include "libos/rt/environment.hpp"
#include "libos/rt/machine.hpp"

namespace fb::libos::root {

/// Everything runs in fibres of root's one context. What runs on an instance's time touches that instance's Port only,
/// so no instance can hold root up.
class Root {
 public:
  Root(abi::Cap<abi::ObjectType::Event> event, OwnedDevice com1, OwnedDevice com2, OwnedDevice power);

  /// Does not return: it ends with the machine.
  [[noreturn]] void run();
  /// Says why on both lines and ends the machine with status 1.
  [[noreturn]] void give_up(std::string_view what, std::string_view why);

 private:
  struct Keeper {
    Root* root;
    std::size_t id;
  };
  using ScreenMux = ConsoleMux<SerialPort>;

  bool load_config();
  bool fail_config(const ConfigError& error, std::string_view file);
  [[nodiscard]] bool command_is_in_file() const;
  bool hand_command_to_console();
  void banner();
  void say(std::string_view text, FrameType type);
  template <class... Ts>
  void report(const Ts&... values) {
    std::array<char, 320> line;
    say(core::text::format_to(line, values...), FrameType::Log);
  }
  /// What nobody has to know.
  template <class... Ts>
  void note(const Ts&... values) {
    std::array<char, 320> line;
    say(core::text::format_to(line, values...), FrameType::Note);
  }

  static void keep(void* keeper);
  void keep_instance(std::size_t id);
  core::Result<> start(std::size_t id);
  [[nodiscard]] core::PageCount pages_of(const Instance& instance) const;
  void drain(std::size_t id);
  void serve_requests(std::size_t id);
  bool settle(std::size_t id);
  void report_ending(const Instance& instance, const Ending& ending);
  void end_if_nothing_is_left();
  [[noreturn]] void shut_down(int status);

  rt::Payload control(std::size_t id, const rt::Payload& request);
  core::Result<rt::Payload> do_control(const rt::Payload& request);
  core::Result<std::size_t> named(const rt::Payload& request);
  core::Result<std::size_t> indexed(const rt::Payload& request);

  static void input(void* self, abi::EventBits bits);
  static void poll_input(void* self);
  void take_input();
  void pass_held_input();
  void start_input();
  void next_focus();

  rt::KernelMachine machine_;
  rt::Fibres fibres_;
  rt::Upcalls upcalls_;
  abi::Cap<abi::ObjectType::Event> event_;
  OwnedDevice com1_, com2_, power_device_;
  SerialPort screen_, frames_;
  Power power_;
  ScreenMux mux_;
  SlotBook slots_;
  rt::BootArchive archive_;
  CommandLine command_line_;
  std::array<char, 2 * kMaxArguments + 2> command_arguments_{};
  std::array<Instance, kMaxInstances> instances_;
  std::array<Keeper, kMaxInstances> keepers_{};
  std::size_t count_{};
  rt::Upcall input_upcall_;
  std::array<char, 64> held_{};  ///< typed, and not taken by the instance in focus yet
  std::size_t held_count_{};
};

}  // namespace fb::libos::root

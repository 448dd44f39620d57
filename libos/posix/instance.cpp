#include "libos/posix/instance.hpp"

#include "libos/posix/files.hpp"
#include "libos/posix/machine/kernel_error.hpp"
#include "libos/posix/machine/means.hpp"
#include "libos/posix/signal/frame.hpp"
#include "libos/posix/task/fibre_waiter.hpp"
#include "libos/posix/vdso/calibration.hpp"
#include "libos/posix/vfs/cpio_writer.hpp"
#include "libos/posix/vfs/operations.hpp"

namespace fb::libos::posix {
namespace {

/// Tells the context that waits for events that there is nothing more to wait for.
constexpr abi::EventBits kOver{std::uint64_t{1} << rt::kFirstOwnBit};

constexpr std::uint64_t kDevptsDevice = 2, kFirstDevice = 3;  ///< st_dev; 1 is the root's

}  // namespace

core::Nanoseconds SystemClock::now() {
  if (page_ != nullptr) return core::Nanoseconds(page_->now(vdso::kRealtime));
  return core::Nanoseconds(abi::calls::get_system_time(abi::Clock::Realtime).value_or(0));
}

Answer<> Instance::prepare_clocks() {
  constexpr std::size_t kSamples = 16;  // of which an interrupt spoils one or two
  std::array<vdso::ClockSample, kSamples> monotonic, realtime;
  const auto sample = [](abi::Clock clock) {
    const auto before = vdso::read_ticks();
    const auto time = abi::calls::get_system_time(clock).value_or(0);
    return vdso::ClockSample{.before = before, .time = time, .after = vdso::read_ticks()};
  };
  for (auto& one : monotonic) one = sample(abi::Clock::Monotonic);
  for (auto& one : realtime) one = sample(abi::Clock::Realtime);
  FB_ASSIGN(system_.vdso, vdso::ProgramPages::make(frames_));
  const auto rate = abi::calls::machine_info(abi::Info::TicksPerSecond).value_or(0);
  system_.vdso->clock().publish(vdso::calibrate(rate, monotonic, realtime));
  clock_.follow(system_.vdso->clock());
  return {};
}

Answer<> Instance::prepare_files(const rt::BootArchive& archive, bool with_added, FileFault& fault) {
  FB_TRY(pacemaker_.start());
  FB_TRY(prepare_clocks());
  FB_ASSIGN(files_, root_files({frames_, clock_, mounts_, archive, fault}, rt::environment().files));
  FB_TRY(mounts_.set_root(files_));
  information_.emplace(system_, files_->root(), machine::processor_count());
  mounter_.emplace(procfs::Mounter::Parts{frames_, clock_, mounts_, *information_, random_}, kFirstDevice);
  system_.mounter = &*mounter_;
  FB_TRY(mounter_->mount_all(place()));
  return with_added ? add_files(place(), archive, fault) : Answer<>();
}

Answer<> Instance::prepare_terminals(const StartCommand& command) {
  FB_ASSIGN(const auto pseudo, tty::Devpts::make(jobs_, clock_, kDevptsDevice));
  devices_.set_pseudo_terminals(pseudo);
  FB_ASSIGN(const auto point, vfs::resolve(place(), "/dev/pts", true));
  FB_TRY(mounts_.mount(point, pseudo));
  if (!command.terminal) return {};
  FB_TRY(terminal_.open(jobs_, {.rows = static_cast<std::uint16_t>(command.rows),
                                .columns = static_cast<std::uint16_t>(command.columns)}));
  devices_.set_console(terminal_.terminal());
  return {};
}

Answer<> Instance::give_terminal(task::Process& process) {
  FB_ASSIGN(const auto inode, vfs::resolve(place(), "/dev/ttyS0", true));
  FB_ASSIGN(const auto file, devices_.open(inode, vfs::flag::kReadWrite));
  for (int i = 0; i < 3; ++i) FB_TRY(process.descriptors.add(file, false));
  return {};
}

Answer<> Instance::give_descriptors(task::Process& process, const StartCommand& command) {
  if (command.terminal && command.input.empty()) return give_terminal(process);
  FB_ASSIGN(auto input, console_.file(console::Stream::Output));
  if (!command.input.empty()) {
    FB_ASSIGN(const auto inode, vfs::resolve(place(), command.input, true));
    FB_ASSIGN(input, make_shared<vfs::RegularFile>(inode, vfs::flag::kRead));
    FB_TRY(vfs::unlink(place(), command.input));
  }
  FB_TRY(process.descriptors.add(input, false));
  for (const auto stream : {console::Stream::Output, console::Stream::Error}) {
    FB_ASSIGN(const auto file, console_.file(stream));
    FB_TRY(process.descriptors.add(file, false));
  }
  return {};
}

Answer<int> Instance::run(const StartCommand& command) {
  FB_TRY(console_.begin(command.streams));
  system_.log = &log_;
  FB_TRY(vector_.open(core::ByteCount(signal::kMarkBytes)));
  FB_ASSIGN(task::Process* const process, processes_.make(system_, task::kInit, files_->root()));
  processes_.first = process->pid;
  FB_ASSIGN(task::Thread* const thread, process->open());
  FB_TRY(prepare_terminals(command));
  fibres_.current()->owner = thread;  // whose terminal it becomes
  FB_TRY(give_descriptors(*process, command));
  fibres_.current()->owner = nullptr;
  FB_ASSIGN(process->directory, vfs::resolve(place(), command.directory, true));
  if (!process->directory->is_directory()) return fail(Errno::NotDirectory);
  std::array<char, 512> room;
  FB_ASSIGN(const auto program, find_program(process->place(), command, room));
  task::FibreWaiter waiter(fibres_);
  FB_TRY(process->execute(
      *thread, program,
      {.arguments = command.words.view(), .environment = command.environment.view(), .path = program},
      waiter));
  FB_TRY(runner_.start(*thread));
  command_ = &command;
  FB_TRY(machine::answer_of(
      fibres_.spawn([](void* self) { static_cast<Instance*>(self)->finish(); }, this, true)));
  FB_TRY(machine::answer_of(team_.start()));
  team_.serve(kOver);
  return processes_.first_end->shell_status();
}

void Instance::finish() {
  task::FibreWaiter waiter(fibres_);
  while (!processes_.first_end) static_cast<void>(waiter.wait(processes_.first_ended));
  if (terminal_.terminal()) terminal_.finish();
  hand_out(waiter);
  static_cast<void>(abi::calls::event_deliver(rt::environment().event, kOver));
}

void Instance::hand_out(vfs::Waiter& waiter) {
  console::FilesOutput out(console_, waiter);
  for (const auto path : command_->wanted) {
    const auto file = vfs::resolve(place(), path, true);
    // Whoever reads it sees that an archive has no end, or is empty.
    const auto done = file ? vfs::write_cpio(*file, out) : vfs::write_empty_cpio(out);
    if (!done) return;
  }
}

}  // namespace fb::libos::posix

#include "libos/posix/task/information.hpp"

#include <algorithm>

#include "libos/posix/machine/means.hpp"
#include "libos/posix/task/executable_file.hpp"
#include "libos/posix/task/job_control.hpp"
#include "libos/posix/task/processor_time.hpp"

namespace fb::libos::posix::task {
namespace {

std::array<std::uint32_t, 4> ids_of(const Ids& ids) {
  return {ids.real, ids.effective, ids.saved, ids.file_system};
}

/// What a program's memory comes to; the sums of its areas.
procfs::MemoryState memory_of(const mm::Space& space) {
  procfs::MemoryState memory;
  memory.size = memory.peak_size = space.size().raw();
  memory.resident = memory.peak_resident = core::bytes_of(space.resident()).raw();
  for (const mm::Area& area : space.areas()) {
    const bool writes = (area.protection & mm::kProtWrite) != 0;
    if (area.grows_down) memory.stack += area.range.size();
    if (!area.grows_down && writes && !area.shared) memory.data += area.range.size();
    if ((area.protection & mm::kProtExecute) == 0) continue;
    memory.code += area.range.size();
    if (memory.code_start == 0) memory.code_start = area.range.start;
    if (memory.code_end == 0) memory.code_end = area.range.end;
  }
  const mm::StartLayout& start = space.start();
  memory.break_start = space.brk_start();
  memory.stack_start = start.stack;
  memory.arguments_start = start.arguments;
  memory.arguments_end = memory.environment_start = start.environment;
  memory.environment_end = start.environment_end;
  return memory;
}

procfs::SignalState signals_of(const Process& process, const Thread* thread) {
  procfs::SignalState signals;
  signals.pending_shared = process.signals.pending().bits();
  signals.ignored = process.actions.ignored().bits();
  signals.caught = process.actions.caught().bits();
  if (thread == nullptr) return signals;
  signals.pending = thread->signals.pending().bits();
  signals.blocked = thread->blocked.bits();
  return signals;
}

char state_of(const Process& process, const Thread* thread, const Thread* current) {
  if (process.finished || thread == nullptr) return 'Z';
  if (process.stopped()) return 'T';
  if (thread == current) return 'R';
  return thread->fibre != nullptr && thread->fibre->state == rt::Fibre::State::Blocked ? 'S' : 'R';
}

}  // namespace

Answer<Process*> InstanceInformation::find(procfs::Pid process) const {
  Process* const found = system_.processes.find(Pid(process.raw()));
  if (found == nullptr) return fail(Errno::NoProcess);
  return found;
}

Answer<Process*> InstanceInformation::find_alive(procfs::Pid process) const {
  FB_ASSIGN(Process* const found, find(process));
  if (found->finished || found->threads().empty()) return fail(Errno::NoProcess);
  return found;
}

Answer<Thread*> InstanceInformation::find_thread(procfs::Subject subject) const {
  FB_ASSIGN(const Process* const process, find(subject.process));
  for (const auto& thread : process->threads()) {
    if (subject.thread == procfs::Pid(0) || thread->tid.raw() == subject.thread.raw()) return thread.get();
  }
  return fail(Errno::NoProcess);
}

procfs::Subject InstanceInformation::caller() const {
  const Thread* const thread = current_thread(system_.fibres);
  if (thread == nullptr) return {};
  return {.process = procfs::Pid(thread->process.pid.raw()), .thread = procfs::Pid(thread->tid.raw())};
}

vfs::Place InstanceInformation::place() const {
  if (const Thread* const thread = current_thread(system_.fibres); thread != nullptr)
    return thread->process.place();
  return {.root = root_, .directory = root_, .who = {}, .mounts = system_.mounts};
}

procfs::SystemState InstanceInformation::system() const {
  procfs::SystemState state;
  state.uptime = rt::now();
  state.boot = system_.clock.now() - state.uptime;
  const auto memory = machine::memory();
  state.memory = core::bytes_of(memory.all).raw();
  // Some frames that came back wait here for the next program.
  const auto unused = system_.frames.idle() * std::uint64_t{core::kPageSize};
  state.free_memory = std::min(core::bytes_of(memory.free).raw() + unused, state.memory);
  state.shared_memory = 0;
  state.processors = processors_;
  state.threads = 0;
  core::Ticks busy{};
  for (const auto& process : system_.processes.all()) {
    state.threads += static_cast<std::uint32_t>(process->threads().size());
    state.last = std::max(state.last, procfs::Pid(process->pid.raw()));
    busy += process->ticks();
  }
  state.forks = static_cast<std::uint64_t>(state.last.raw());
  const auto idle = state.uptime.raw() * processors_;
  state.idle = core::Nanoseconds(idle - std::min(idle, processor_time(busy).raw()));
  state.host = system_.identity.host.view();
  state.release = kRelease;
  state.version = kVersion;
  state.command_line = "feuerbird";
  state.model = model_.model();
  return state;
}

/// What ran is not counted by processor: it is all the first one's.
procfs::ProcessorState InstanceInformation::processor(std::uint32_t number) const {
  const auto uptime = rt::now();
  if (number != 0) return {.user = {}, .system = {}, .idle = uptime};
  core::Ticks busy{};
  for (const auto& process : system_.processes.all()) busy += process->ticks();
  const auto user = std::min(processor_time(busy), uptime);
  return {.user = user, .system = {}, .idle = uptime - user};
}

std::optional<procfs::Pid> InstanceInformation::next_process(procfs::Pid after) const {
  std::optional<procfs::Pid> next;
  for (const auto& process : system_.processes.all()) {
    const procfs::Pid number(process->pid.raw());
    if (number > after && (!next || number < *next)) next = number;
  }
  return next;
}

std::optional<procfs::Pid> InstanceInformation::next_thread(procfs::Pid process, procfs::Pid after) const {
  std::optional<procfs::Pid> next;
  const auto found = find(process);
  if (!found) return next;
  for (const auto& thread : (*found)->threads()) {
    const procfs::Pid number(thread->tid.raw());
    if (number > after && (!next || number < *next)) next = number;
  }
  return next;
}

Answer<procfs::Information::Owner> InstanceInformation::owner(procfs::Subject subject) const {
  FB_ASSIGN(const Process* const process, find(subject.process));
  if (subject.thread != procfs::Pid(0) && !find_thread(subject)) return fail(Errno::NoProcess);
  const auto& ids = process->credentials;
  return Owner{.user = ids.user.effective, .group = ids.group.effective, .start = process->started};
}

core::Nanoseconds InstanceInformation::boot() const { return system_.clock.now() - rt::now(); }

Answer<procfs::ProcessState> InstanceInformation::state(procfs::Subject subject) const {
  FB_ASSIGN(Process* const process, find(subject.process));
  const auto found = find_thread(subject);
  if (!found && subject.thread != procfs::Pid(0)) return fail(Errno::NoProcess);
  const Thread* const thread = found ? *found : nullptr;
  procfs::ProcessState state;
  state.parent = procfs::Pid(process->parent.raw());
  state.group = procfs::Pid(process->group.raw());
  state.session = procfs::Pid(process->session.raw());
  state.state = state_of(*process, thread, current_thread(system_.fibres));
  if (thread != nullptr) {
    state.name = thread->name;
    const auto& scheduling = thread->scheduling;
    state.nice = scheduling.nice;
    state.priority = scheduling.shown_priority();
    state.policy = scheduling.policy;
    state.real_time_priority = static_cast<std::uint32_t>(scheduling.priority);
    if (const auto cpus = system_.fibres.turns().cpus(); cpus != 0)
      state.processors = scheduling.affinity & cpus;
    if (thread->fibre != nullptr && thread->fibre->turn.cpu < processors_)
      state.processor = thread->fibre->turn.cpu;
  }
  state.uid = ids_of(process->credentials.user);
  state.gid = ids_of(process->credentials.group);
  state.groups = std::span(process->credentials.groups).first(process->credentials.group_count);
  state.umask = process->umask;
  state.threads = static_cast<std::uint32_t>(std::max<std::size_t>(process->threads().size(), 1));
  state.exit_signal = static_cast<std::int32_t>(process->exit_signal);
  state.exit_status = process->ended ? process->ended->wait_status() : 0;
  state.start = process->started;
  const bool all = subject.thread == procfs::Pid(0) || thread == nullptr;
  state.own.user = processor_time(all ? process->ticks() : thread->ticks());
  state.children.user = processor_time(process->children_ticks);
  if (thread != nullptr && !process->finished) state.memory = memory_of(process->memory());
  state.signals = signals_of(*process, thread);
  if (process->credentials.user.effective == 0) state.capabilities = 0x1ff'ffff'ffff;
  return state;
}

Answer<std::size_t> InstanceInformation::start_part(procfs::Pid process, procfs::StartPart part,
                                                    std::uint64_t offset, std::span<char> room) const {
  const auto found = find_alive(process);
  if (!found) return 0;
  mm::Space& space = (*found)->memory();
  const mm::StartLayout& start = space.start();
  const bool auxiliary = part == procfs::StartPart::Auxiliary;
  const std::uint64_t from = auxiliary                              ? start.auxiliary
                             : part == procfs::StartPart::Arguments ? start.arguments
                                                                    : start.environment;
  const std::uint64_t end = auxiliary                              ? start.auxiliary_end
                            : part == procfs::StartPart::Arguments ? start.environment
                                                                   : start.environment_end;
  if (offset >= end - from) return 0;
  const std::size_t size = std::min<std::uint64_t>(room.size(), end - from - offset);
  // A program may have unmapped its stack: then there is nothing to tell.
  if (!space.read(core::VirtAddr(from + offset), std::as_writable_bytes(room.first(size)))) return 0;
  return size;
}

Answer<std::optional<procfs::AreaState>> InstanceInformation::area(procfs::Pid process,
                                                                   std::uint64_t address) const {
  const auto found = find_alive(process);
  if (!found) return std::optional<procfs::AreaState>();
  const mm::Space& space = (*found)->memory();
  const auto areas = space.areas();
  const auto at = std::ranges::upper_bound(areas, address, {}, [](const mm::Area& a) { return a.range.end; });
  if (at == areas.end()) return std::optional<procfs::AreaState>();
  procfs::AreaState state{.start = at->range.start,
                          .end = at->range.end,
                          .offset = at->first_page << core::kPageShift,
                          .protection = at->protection,
                          .shared = at->shared,
                          .grows_down = at->grows_down};
  if (at->backing && at->backing->kind() == mm::Backing::Kind::File) {
    state.file = static_cast<const map::FilePages&>(*at->backing).file();
  } else if (at->backing && at->backing->kind() == mm::Backing::Kind::Vdso) {
    state.label = at->first_page == vdso::ProgramPages::kClockPage ? "[vvar]" : "[vdso]";
  } else if (at->grows_down) {
    state.label = "[stack]";
  } else if (space.brk_start() < state.end && state.start < space.brk_end()) {
    state.label = "[heap]";
  }
  return std::optional(std::move(state));
}

Answer<vfs::Target> InstanceInformation::held(procfs::Pid process, procfs::Held what) const {
  const auto found = find_alive(process);
  if (!found) return fail(Errno::NoEntry);
  switch (what) {
    case procfs::Held::Executable:
      if (!(*found)->program.inode) return fail(Errno::NoEntry);
      return (*found)->program;
    case procfs::Held::Directory:
      return vfs::Target{.inode = (*found)->directory, .origin = {}};
    default:
      return vfs::Target{.inode = (*found)->root, .origin = {}};
  }
}

Answer<procfs::LimitStates> InstanceInformation::limits(procfs::Pid process) const {
  FB_ASSIGN(const Process* const found, find(process));
  procfs::LimitStates states;
  for (std::size_t i = 0; i < states.size(); ++i) {
    states[i] = {.soft = found->limits[i].soft, .hard = found->limits[i].hard};
  }
  return states;
}

std::optional<vfs::Descriptor> InstanceInformation::next_descriptor(procfs::Pid process,
                                                                    vfs::Descriptor from) const {
  const auto found = find(process);
  return found ? (*found)->descriptors.next_open(from) : std::nullopt;
}

Answer<procfs::Information::Open> InstanceInformation::descriptor(procfs::Pid process,
                                                                  vfs::Descriptor number) const {
  FB_ASSIGN(const Process* const found, find(process));
  FB_ASSIGN(const auto file, found->descriptors.get(number));
  FB_ASSIGN(const bool closes, found->descriptors.close_on_exec(number));
  return Open{.file = file, .close_on_exec = closes};
}

Answer<> InstanceInformation::set_name(procfs::Subject subject, std::string_view name) {
  FB_ASSIGN(Thread* const thread, find_thread(subject));
  thread->name = {};
  std::copy_n(name.data(), std::min(name.size(), thread->name.size() - 1), thread->name.data());
  return {};
}

Answer<> InstanceInformation::set_oom_adjustment(procfs::Pid process, std::int32_t /*value*/) {
  FB_TRY(find(process));
  return {};
}

}  // namespace fb::libos::posix::task

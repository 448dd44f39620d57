#include "libos/native/programs.hpp"

#include <algorithm>
#include <bit>

namespace fb::libos::native {
namespace {

using core::text::print;

constexpr core::PageCount kBudget{64};
constexpr int kKilled = 137;  // what shells say: 128 and the signal
constexpr int kFaulted = 139;
constexpr int kInterrupted = 130;

constexpr abi::Bit port_bit(std::size_t index) {
  return abi::Bit(rt::kFirstOwnBit + 2 * static_cast<std::uint32_t>(index));
}
constexpr abi::Bit end_bit(std::size_t index) { return abi::Bit(port_bit(index).raw() + 1); }

}  // namespace

Programs::Programs(const rt::BootArchive& archive, rt::Fibres& fibres, rt::Console& console)
    : archive_(archive), fibres_(fibres), console_(console) {
  const rt::Environment& e = rt::environment();
  free_slots_ = e.slots;
  // The lowest is the monitor's own.
  std::uint64_t& here = free_slots_[e.context_cpu.raw() % rt::kMaxCpus];
  here &= here - 1;
}

abi::EventBits Programs::signals() {
  const std::uint64_t all = (std::uint64_t{1} << 2 * kMaxPrograms) - 1;
  return abi::EventBits(all << rt::kFirstOwnBit);
}

std::size_t Programs::index_of(const Program& program) const {
  return static_cast<std::size_t>(&program - programs_.data());
}

/// A slot where most are free: programs spread over the CPUs.
core::Result<Programs::Lease> Programs::lease() {
  std::size_t best = 0;
  for (std::size_t cpu = 1; cpu != rt::kMaxCpus; ++cpu) {
    if (std::popcount(free_slots_[cpu]) > std::popcount(free_slots_[best])) best = cpu;
  }
  const std::uint64_t slot = free_slots_[best] & -free_slots_[best];
  if (slot == 0) return core::fail(core::Error::NoSlices);
  free_slots_[best] &= ~slot;
  return Lease{core::CpuId(static_cast<std::uint32_t>(best)), slot};
}

core::Result<Program*> Programs::start(std::string_view name, std::string_view arguments) {
  Program* free = nullptr;
  for (Program& program : programs_) {
    if (program.running() && program.name() == name) return core::fail(core::Error::Busy);
    if (!program.running() && free == nullptr) free = &program;
  }
  if (free == nullptr) return core::fail(core::Error::Limit);
  FB_ASSIGN(const auto file, archive_.find(name));
  const rt::Environment& e = rt::environment();
  const std::size_t index = index_of(*free);
  FB_TRY(free->port_.open(e.event, port_bit(index)));
  FB_ASSIGN(const Lease lease, this->lease());
  rt::SpawnOptions options;
  options.name = name;
  options.arguments = arguments;
  options.elf = file.bytes();
  options.budget = kBudget;
  options.cpu = lease.cpu;
  options.slots[lease.cpu.raw()] = lease.slot;
  options.authorities = core::cap::ceiling(core::cap::Zone::User);
  options.console = free->port_.gate();
  options.event = free->port_.client_event();
  options.end_event = e.event;
  options.end_bit = end_bit(index);
  auto spawned = rt::Process::spawn(options);
  if (!spawned) {
    free_slots_[lease.cpu.raw()] |= lease.slot;
    free->port_.close();
    return core::fail(spawned.error());
  }
  free->process_ = *std::move(spawned);
  free->slot_ = lease.slot;
  free->cpu_ = lease.cpu;
  free->at_line_start_ = true;
  free->name_size_ = std::min(name.size(), free->name_.size());
  std::copy_n(name.begin(), free->name_size_, free->name_.data());
  return free;
}

core::Result<> Programs::kill(std::string_view name) {
  for (Program& program : programs_) {
    if (!program.running() || program.name() != name) continue;
    show(program, false);
    finish(program, false, kKilled, false);
    return {};
  }
  return core::fail(core::Error::NotFound);
}

core::Result<std::size_t> Programs::keys(std::span<char> out) {
  if (returned_start_ == returned_end_) return console_.poll(out);
  const std::size_t count = std::min(out.size(), returned_end_ - returned_start_);
  std::copy_n(returned_.data() + returned_start_, count, out.data());
  returned_start_ += count;
  return count;
}

bool Programs::has_ended(const Program& program, int& status, bool& faulted) const {
  const std::uint64_t state = abi::calls::context_query(program.context(), 0).value_or(5) & 0xff;
  faulted = state == 6;
  status = faulted ? kFaulted : program.port_.exit_status().value_or(0);
  return state == 5 || state == 6;
}

void Programs::show(Program& program, bool foreground) {
  std::array<char, 256> bytes;
  while (const std::size_t size = program.port_.take_output(bytes)) {
    std::string_view rest(bytes.data(), size);
    if (foreground) console_.put(rest);
    while (!foreground && !rest.empty()) {
      if (program.at_line_start_) print(console_, program.name(), ": ");
      const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
      const std::string_view line = rest.substr(0, end);
      console_.put(line);
      program.at_line_start_ = line.back() == '\n';
      rest.remove_prefix(end);
    }
  }
}

/// Before what came back earlier: it was typed first. The ports are small enough for all of it to fit.
void Programs::take_back(Program& program) {
  std::array<char, 1024> unread;
  const std::size_t count = program.port_.take_back_input(unread);
  const std::size_t kept = std::min(returned_end_ - returned_start_, returned_.size() - count);
  std::copy_backward(returned_.data() + returned_start_, returned_.data() + returned_start_ + kept,
                     returned_.data() + returned_.size());
  std::copy_n(unread.data(), count, returned_.data() + returned_.size() - kept - count);
  returned_start_ = returned_.size() - kept - count;
  returned_end_ = returned_.size();
}

void Programs::finish(Program& program, bool foreground, int status, bool faulted) {
  if (faulted) {
    const auto query = [&](std::uint64_t which) {
      return abi::calls::context_query(program.context(), which).value_or(0);
    };
    print(console_, program.name(), ": faulted: vector ", query(0) >> 16 & 0xff, " at ",
          core::text::hex(query(2)), ", address ", core::text::hex(query(3)), "\n");
  } else if (!foreground) {
    print(console_, program.name(), ": ended with status ", status, "\n");
  }
  program.process_.end();
  program.port_.close();
  if (foreground) take_back(program);
  free_slots_[program.cpu_.raw()] |= program.slot_;
}

int Programs::wait_in_foreground(Program& program) {
  const std::size_t index = index_of(program);
  const std::uint64_t own = std::uint64_t{3} << port_bit(index).raw();
  const abi::EventBits mask(own | rt::bits_of(rt::Signal::Input).raw());
  for (;;) {
    int status = 0;
    bool faulted = false;
    const bool ended = has_ended(program, status, faulted);
    show(program, true);
    // A program's own requests are for whoever holds control: not for those of a monitor.
    if (program.port_.request()) {
      program.port_.give_answer({static_cast<std::uint64_t>(core::Error::Denied)});
    }
    if (ended) {
      finish(program, true, status, faulted);
      return status;
    }
    std::array<char, rt::kWordBytes> typed;
    const std::size_t count = keys(typed).value_or(0);
    for (std::size_t i = 0; i != count; ++i) {
      if (typed[i] == '\x03') {
        console_.put("^C\n");
        finish(program, true, kInterrupted, false);
        return kInterrupted;
      }
      static_cast<void>(program.port_.give_input(typed[i]));
    }
    if (count == 0) static_cast<void>(fibres_.wait(mask));
  }
}

void Programs::look_after_background() {
  for (Program& program : programs_) {
    if (!program.running()) continue;
    int status = 0;
    bool faulted = false;
    const bool ended = has_ended(program, status, faulted);
    show(program, false);
    if (program.port_.request()) {
      program.port_.give_answer({static_cast<std::uint64_t>(core::Error::Denied)});
    }
    if (ended) finish(program, false, status, faulted);
  }
}

}  // namespace fb::libos::native

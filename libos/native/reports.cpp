// The monitor's commands that only look.
#include "libos/native/monitor.hpp"

namespace fb::libos::native {
namespace {

constexpr std::string_view kTypeNames[] = {"none",    "Domain",  "AddressSpace", "Pages",  "Context",
                                           "Gate",    "Event",   "Timer",        "Device", "DmaHandle",
                                           "AsyncOp", "Program", "Budget"};
constexpr std::string_view kStateNames[] = {"idle",      "ready",   "running", "waiting",
                                            "in a gate", "stopped", "faulted"};

template <std::size_t N>
std::string_view name_in(const std::string_view (&names)[N], std::uint64_t index) {
  return index < N ? names[index] : "?";
}

std::uint64_t info(abi::Info which) { return abi::calls::machine_info(which).value_or(0); }
core::text::Units pages(std::uint64_t count) {
  return core::text::units(core::bytes_of(core::PageCount(count)));
}

}  // namespace

void Monitor::print_cap(std::string_view name, abi::Cap<abi::ObjectType::Any> cap) {
  if (cap.none()) return;
  const auto description = abi::calls::cap_query(cap);
  print("  ");
  column(name, 12);
  if (!description) {
    print(core::describe(description.error()), "\n");
    return;
  }
  column(name_in(kTypeNames, *description >> 32 & 0xff), 13);
  const core::cap::Rights rights(*description & 0xffff'ffff);
#define FB_RIGHT(right, cname, bit, text) \
  if (rights.has(core::cap::Right::right)) print(#right, " ");
#include "core/cap/rights.def"
#undef FB_RIGHT
  print("(depth ", *description >> 40 & 0xff, ")\n");
}

int Monitor::caps(std::string_view) {
  const rt::Environment& e = rt::environment();
  print_cap("domain", e.domain);
  print_cap("space", e.space);
  print_cap("context", e.context);
  print_cap("budget", e.budget);
  print_cap("event", e.event);
  print_cap("console", e.console);
  print_cap("archive", e.archive);
  for (Program& program : programs_.all()) {
    if (!program.running()) continue;
    print(program.name(), ":\n");
    print_cap("context", program.context());
    print_cap("budget", program.budget());
    print_cap("console", program.port().gate());
  }
  return 0;
}

int Monitor::mem(std::string_view) {
  const auto budget = abi::calls::budget_query(rt::environment().budget);
  if (!budget) return refuse("mem", budget.error());
  print("  budget   ", pages(*budget & 0xffff'ffff), " used of ", pages(*budget >> 32), "\n");
  print("  machine  ", pages(info(abi::Info::FreePages)), " free of ", pages(info(abi::Info::TotalPages)),
        "\n");
  return 0;
}

int Monitor::cpus(std::string_view) {
  const rt::Environment& e = rt::environment();
  print("  ", info(abi::Info::Cpus), " up; ", info(abi::Info::TicksPerSecond) / 1'000'000,
        " million ticks a second; ", info(abi::Info::SliceNanoseconds) / 1000, " us a slice\n");
  for (std::size_t cpu = 0; cpu != rt::kMaxCpus; ++cpu) {
    if (e.slots[cpu] == 0) continue;
    print("  cpu ", cpu, "  slots ", core::text::hex(e.slots[cpu]),
          cpu == info(abi::Info::CurrentCpu) ? "  (this monitor)" : "", "\n");
  }
  return 0;
}

void Monitor::print_context(std::string_view name, std::uint64_t state, std::uint64_t ticks,
                            std::uint64_t& before) {
  print("  ");
  column(name, 24);
  column(name_in(kStateNames, state & 0xff), 10);
  print("cpu ", state >> 8 & 0xff, "  ", ticks - (ticks < before ? 0 : before), " ticks\n");
  before = ticks;
}

int Monitor::top(std::string_view) {
  const auto own = rt::environment().context;
  std::size_t seen = 0;
  print_context(rt::environment().name, abi::calls::context_query(own, 0).value_or(0),
                abi::calls::context_query(own, 1).value_or(0), seen_[seen]);
  for (Program& program : programs_.all()) {
    ++seen;
    if (!program.running()) continue;
    print_context(program.name(), abi::calls::context_query(program.context(), 0).value_or(0),
                  abi::calls::context_query(program.context(), 1).value_or(0), seen_[seen]);
  }
  for (std::uint64_t index = 0; ++seen < seen_.size(); ++index) {
    const auto listed = console_.request({static_cast<std::uint64_t>(rt::ControlCall::List), index});
    const auto usage = console_.request({static_cast<std::uint64_t>(rt::ControlCall::Usage), index});
    if (!listed || !usage) break;
    const auto state = rt::InstanceState::from((*listed)[1]);
    const rt::PackedName name = rt::name_of(*listed);
    if (state.status != rt::InstanceStatus::Running || name.view() == rt::environment().name) continue;
    print_context(name.view(), std::uint64_t{state.cpu} << 8 | state.context_state, (*usage)[1], seen_[seen]);
  }
  return 0;
}

int Monitor::ps(std::string_view) {
  bool any = false;
  for (Program& program : programs_.all()) {
    if (!program.running()) continue;
    any = true;
    const std::uint64_t state = abi::calls::context_query(program.context(), 0).value_or(0);
    const std::uint64_t books = abi::calls::budget_query(program.budget()).value_or(0);
    print("  ");
    column(program.name(), 24);
    column(name_in(kStateNames, state & 0xff), 10);
    print("cpu ", state >> 8 & 0xff, "  ", books & 0xffff'ffff, " of ", books >> 32, " pages\n");
  }
  if (!any) print("  none; run NAME starts one\n");
  return 0;
}

/// What root has for others.
int Monitor::account() {
  const auto account = console_.request({static_cast<std::uint64_t>(rt::ControlCall::Account)});
  if (!account) return refuse("instances", account.error());
  const std::uint64_t used = (*account)[1] & 0xffff'ffff, all = (*account)[1] >> 32;
  print("  ");
  column("root", 24);
  print(used, " of ", all, " pages used or lent, ", (*account)[2], " slots free\n");
  return 0;
}

int Monitor::instances(std::string_view) {
  constexpr std::string_view kStatus[] = {"ended", "running", "waiting", "failed"};
  for (std::uint64_t index = 0;; ++index) {
    const auto listed = console_.request({static_cast<std::uint64_t>(rt::ControlCall::List), index});
    if (!listed && listed.error() == core::Error::NotFound) return account();
    if (!listed && listed.error() == core::Error::Denied) {
      print("instances: this instance may not: its line of the boot configuration lacks control=yes\n");
      return kRefusedByRoot;
    }
    if (!listed) return refuse("instances", listed.error());
    const auto usage = console_.request({static_cast<std::uint64_t>(rt::ControlCall::Usage), index});
    if (!usage) return refuse("instances", usage.error());
    const auto state = rt::InstanceState::from((*listed)[1]);
    print("  ");
    column(rt::name_of(*listed).view(), 24);
    column(name_in(kStatus, static_cast<std::uint64_t>(state.status)), 9);
    print("restarts ", state.restarts, "  ", (*usage)[2] & 0xffff'ffff, " of ", (*usage)[2] >> 32,
          " pages\n");
  }
}

}  // namespace fb::libos::native

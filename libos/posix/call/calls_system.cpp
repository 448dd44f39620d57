// The system as a whole: names, figures, and what belongs to whoever runs the instance (uname(2), sysinfo(2), reboot(2)).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/machine/means.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

using task::SystemName;

/// struct new_utsname.
struct Names {
  using Field = std::array<char, SystemName::kMost + 1>;
  Field system{}, node{}, release{}, version{}, machine{}, domain{};
};

void set(Names::Field& field, std::string_view text) { std::ranges::copy(text, field.data()); }

Done set_name(Call& call, SystemName& name) {
  if (call.process.credentials.user.effective != 0) return fail(Errno::Perm);
  if (call.number32(1) < 0 || call.word32(1) > SystemName::kMost) return fail(Errno::Invalid);
  std::array<char, SystemName::kMost> text;
  const auto wanted = std::span(text).first(call.word32(1));
  FB_TRY(call.memory().read(call.address(0), std::as_writable_bytes(wanted)));
  name.set({wanted.data(), wanted.size()});
  return 0;
}

}  // namespace

Done do_uname(Call& call) {
  const auto& identity = call.process.system.identity;
  Names names;
  set(names.system, "Linux");
  set(names.node, identity.host.view());
  set(names.release, task::kRelease);
  set(names.version, task::kVersion);
  set(names.machine, "x86_64");
  set(names.domain, identity.domain.view());
  FB_TRY(call.put(call.address(0), names));
  return 0;
}

Done do_sethostname(Call& call) { return set_name(call, call.process.system.identity.host); }
Done do_setdomainname(Call& call) { return set_name(call, call.process.system.identity.domain); }

Done do_sysinfo(Call& call) {
  struct {
    std::int64_t uptime;
    std::array<std::uint64_t, 3> loads;
    std::uint64_t memory, free, shared, buffers, swap, free_swap;
    std::uint16_t processes, padding;
    std::uint64_t high, free_high;
    std::uint32_t unit;
  } told{};
  static_assert(sizeof told == 112);
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto memory = machine::memory();
  told.uptime = static_cast<std::int64_t>(rt::now().raw() / kSecond);
  told.memory = memory.all.raw();
  told.free = std::min(memory.free.raw() + call.process.system.frames.idle(), told.memory);
  told.processes = static_cast<std::uint16_t>(call.process.system.processes.count());
  told.unit = core::kPageSize;
  FB_TRY(call.put(call.address(0), told));
  return 0;
}

// Whoever starts the instance decides about these, and no program in it.
Done do_reboot(Call&) { return fail(Errno::Perm); }
Done do_settimeofday(Call&) { return fail(Errno::Perm); }
Done do_iopl(Call&) { return fail(Errno::Perm); }
Done do_ioperm(Call&) { return fail(Errno::Perm); }
Done do_vhangup(Call&) { return fail(Errno::Perm); }
Done do_swapon(Call&) { return fail(Errno::Perm); }
Done do_swapoff(Call&) { return fail(Errno::Perm); }
Done do_pivot_root(Call&) { return fail(Errno::Perm); }
Done do_acct(Call&) { return fail(Errno::Perm); }

}  // namespace fb::libos::posix::call

// Users and groups (credentials(7), setuid(2), setresuid(2), setgroups(2)).
#include "libos/posix/call/handlers.hpp"

namespace fb::libos::posix::call {
namespace {

using task::Ids;

constexpr std::uint32_t kKeep = ~std::uint32_t{0};

bool root(const Call& call) { return call.process.credentials.user.effective == 0; }
bool has(const Ids& ids, std::uint32_t id) {
  return id == ids.real || id == ids.effective || id == ids.saved;
}

/// setuid and setgid: all of them for root, the effective one for others.
Done set_one(Call& call, Ids& ids, std::uint32_t id) {
  if (id == kKeep) return fail(Errno::Invalid);
  if (root(call)) {
    ids = {.real = id, .effective = id, .saved = id, .file_system = id};
  } else if (id == ids.real || id == ids.saved) {
    ids.effective = ids.file_system = id;
  } else {
    return fail(Errno::Perm);
  }
  return 0;
}

Done set_two(Call& call, Ids& ids, std::uint32_t real, std::uint32_t effective) {
  const bool may_real = real == kKeep || real == ids.real || real == ids.effective;
  const bool may_effective = effective == kKeep || has(ids, effective);
  if (!root(call) && (!may_real || !may_effective)) return fail(Errno::Perm);
  const auto old = ids;
  if (real != kKeep) ids.real = real;
  if (effective != kKeep) ids.effective = effective;
  if (real != kKeep || (effective != kKeep && effective != old.real)) ids.saved = ids.effective;
  ids.file_system = ids.effective;
  return 0;
}

Done set_three(Call& call, Ids& ids, std::uint32_t real, std::uint32_t effective, std::uint32_t saved) {
  for (const auto id : {real, effective, saved}) {
    if (id != kKeep && !root(call) && !has(ids, id)) return fail(Errno::Perm);
  }
  if (real != kKeep) ids.real = real;
  if (effective != kKeep) ids.effective = effective;
  if (saved != kKeep) ids.saved = saved;
  ids.file_system = ids.effective;
  return 0;
}

Done get_three(Call& call, const Ids& ids) {
  FB_TRY(call.put(call.address(0), ids.real));
  FB_TRY(call.put(call.address(1), ids.effective));
  FB_TRY(call.put(call.address(2), ids.saved));
  return 0;
}

/// The old one comes back, whether or not it has changed.
Done set_file_system(Call& call, Ids& ids, std::uint32_t id) {
  const auto old = ids.file_system;
  if (id != kKeep && (root(call) || has(ids, id) || id == old)) ids.file_system = id;
  return old;
}

Ids& user(Call& call) { return call.process.credentials.user; }
Ids& group(Call& call) { return call.process.credentials.group; }

}  // namespace

Done do_getuid(Call& call) { return user(call).real; }
Done do_geteuid(Call& call) { return user(call).effective; }
Done do_getgid(Call& call) { return group(call).real; }
Done do_getegid(Call& call) { return group(call).effective; }
Done do_setuid(Call& call) { return set_one(call, user(call), call.word32(0)); }
Done do_setgid(Call& call) { return set_one(call, group(call), call.word32(0)); }
Done do_setreuid(Call& call) { return set_two(call, user(call), call.word32(0), call.word32(1)); }
Done do_setregid(Call& call) { return set_two(call, group(call), call.word32(0), call.word32(1)); }
Done do_setresuid(Call& call) {
  return set_three(call, user(call), call.word32(0), call.word32(1), call.word32(2));
}
Done do_setresgid(Call& call) {
  return set_three(call, group(call), call.word32(0), call.word32(1), call.word32(2));
}
Done do_getresuid(Call& call) { return get_three(call, user(call)); }
Done do_getresgid(Call& call) { return get_three(call, group(call)); }
Done do_setfsuid(Call& call) { return set_file_system(call, user(call), call.word32(0)); }
Done do_setfsgid(Call& call) { return set_file_system(call, group(call), call.word32(0)); }

Done do_getgroups(Call& call) {
  const auto& its = call.process.credentials;
  if (call.number32(0) < 0) return fail(Errno::Invalid);
  if (call.number32(0) == 0) return its.group_count;
  if (call.word32(0) < its.group_count) return fail(Errno::Invalid);
  FB_TRY(call.memory().write(call.address(1), std::as_bytes(std::span(its.groups).first(its.group_count))));
  return its.group_count;
}

Done do_setgroups(Call& call) {
  auto& its = call.process.credentials;
  if (!root(call)) return fail(Errno::Perm);
  const auto count = call.word32(0);
  if (count > its.groups.size()) return fail(Errno::Invalid);
  auto groups = its.groups;
  FB_TRY(call.memory().read(call.address(1), std::as_writable_bytes(std::span(groups).first(count))));
  its.groups = groups;
  its.group_count = count;
  return 0;
}

}  // namespace fb::libos::posix::call

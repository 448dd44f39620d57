#include "libos/posix/call/control_input.hpp"

#include "libos/posix/socket/control.hpp"
#include "libos/posix/task/processes.hpp"
#include "libos/posix/uring/ring.hpp"

namespace fb::libos::posix::call {
namespace {

constexpr std::uint64_t kControlMost = 20'480;  ///< bytes of control messages of one call

/// Nobody says that it is somebody else but who may become that (unix(7)). Errors: Perm, NoProcess.
Answer<> check_identity(const Call& call, const socket::Identity& who) {
  const auto& its = call.process.credentials;
  if (its.user.effective == 0) {
    const bool own = who.pid == call.process.pid.raw();
    return own || call.process.system.processes.find(task::Pid(who.pid)) != nullptr ? Answer<>()
                                                                                    : fail(Errno::NoProcess);
  }
  const auto among = [](const task::Ids& ids, std::uint32_t id) {
    return id == ids.real || id == ids.effective || id == ids.saved;
  };
  const bool may = who.pid == call.process.pid.raw() && among(its.user, who.uid) && among(its.group, who.gid);
  return may ? Answer<>() : fail(Errno::Perm);
}

}  // namespace

Answer<> read_control(const Call& call, const socket::Header& header, socket::Outgoing& what) {
  if (header.control == 0 || header.control_size == 0) return {};
  if (header.control_size > kControlMost) return fail(Errno::NoBuffers);
  Vector<std::byte> bytes;
  FB_TRY(bytes.reserve(header.control_size));
  for (std::uint64_t i = 0; i < header.control_size; ++i) FB_TRY(bytes.push_back(std::byte{}));
  FB_TRY(call.memory().read(core::VirtAddr(header.control), std::span(bytes.begin(), bytes.size())));
  socket::Control control;
  FB_TRY(socket::parse_control(bytes.view(), control));
  for (const auto descriptor : std::span(control.descriptors).first(control.count)) {
    FB_ASSIGN(auto file, call.process.descriptors.get(descriptor));
    // On its way it could be held by what it holds itself.
    if (vfs::file_as<uring::Ring>(*file) != nullptr) return fail(Errno::Invalid);
    FB_TRY(what.files.push_back(std::move(file)));
  }
  if (!control.who) return {};
  FB_TRY(check_identity(call, *control.who));
  what.who = *control.who;
  what.tells = true;
  return {};
}

}  // namespace fb::libos::posix::call

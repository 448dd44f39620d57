#include "libos/posix/call/control_output.hpp"

#include "libos/posix/socket/control.hpp"

namespace fb::libos::posix::call {

void ControlOutput::advance(std::uint64_t size) { used_ += std::min(socket::control_space(size), left()); }

void ControlOutput::put(std::int32_t type, std::span<const std::byte> data) {
  std::uint64_t size = kHeader + data.size();
  truncated_ = truncated_ || left() < size;
  if (left() < kHeader) return;
  size = std::min(size, left());
  const socket::ControlHeader header{.size = size, .level = socket::option::kLevel, .type = type};
  if (!call_.put(here(), header)) return;
  if (!call_.memory().write(here() + core::ByteCount(kHeader), data.first(size - kHeader))) return;
  advance(kHeader + data.size());
}

bool ControlOutput::install(const Ref<vfs::File>& file, bool close_on_exec, core::VirtAddr number_to) {
  auto& descriptors = call_.process.descriptors;
  const auto number = descriptors.add(file, close_on_exec);
  if (!number) return false;
  if (call_.put(number_to, *number)) return true;
  static_cast<void>(descriptors.close(*number));
  return false;
}

void ControlOutput::put_files(const socket::Files& files, bool close_on_exec) {
  const std::uint64_t room = left() <= kHeader ? 0 : (left() - kHeader) / sizeof(vfs::Descriptor);
  const std::uint64_t most = std::min<std::uint64_t>(room, files.size());
  std::uint64_t count = 0;
  while (count < most && install(files[count], close_on_exec,
                                 here() + core::ByteCount(kHeader + count * sizeof(vfs::Descriptor)))) {
    ++count;
  }
  truncated_ = truncated_ || count < files.size();
  if (count == 0) return;
  const std::uint64_t size = kHeader + count * sizeof(vfs::Descriptor);
  const socket::ControlHeader header{
      .size = size, .level = socket::option::kLevel, .type = socket::control::kRights};
  if (call_.put(here(), header)) advance(size);
}

}  // namespace fb::libos::posix::call

#include "libos/posix/socket/control.hpp"

namespace fb::libos::posix::socket {
namespace {

/// Bytes that do not make a whole descriptor are left out, as in Linux.
Answer<> add_rights(std::span<const std::byte> data, Control& into) {
  const std::size_t count = data.size() / sizeof(std::int32_t);
  if (count > into.descriptors.size() - into.count) return fail(Errno::Invalid);
  __builtin_memcpy(into.descriptors.data() + into.count, data.data(), count * sizeof(std::int32_t));
  into.count += count;
  return {};
}

Answer<> add(const ControlHeader& header, std::span<const std::byte> data, Control& into) {
  if (header.level != option::kLevel) return {};
  if (header.type == control::kRights) return add_rights(data, into);
  if (header.type != control::kCredentials || data.size() != sizeof(Identity)) return fail(Errno::Invalid);
  __builtin_memcpy(&into.who.emplace(), data.data(), sizeof(Identity));
  return {};
}

}  // namespace

Answer<> parse_control(std::span<const std::byte> bytes, Control& into) {
  while (bytes.size() >= sizeof(ControlHeader)) {
    ControlHeader header{};
    __builtin_memcpy(&header, bytes.data(), sizeof header);
    if (header.size < sizeof header || header.size > bytes.size()) return fail(Errno::Invalid);
    FB_TRY(add(header, bytes.subspan(sizeof header, header.size - sizeof header), into));
    const std::uint64_t space = control_space(header.size);
    if (space > bytes.size()) break;
    bytes = bytes.subspan(space);
  }
  return {};
}

}  // namespace fb::libos::posix::socket

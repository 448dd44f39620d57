#include "libos/posix/socket/address.hpp"

#include <algorithm>

namespace fb::libos::posix::socket {

std::uint32_t Address::family_of(std::span<const std::byte> raw) {
  return raw.size() < kNameAt ? family::kUnspecified
                              : static_cast<std::uint32_t>(raw[0]) | static_cast<std::uint32_t>(raw[1]) << 8;
}

void Address::set(std::string_view name, std::size_t size) {
  std::ranges::copy(name, raw_.data() + kNameAt);
  size_ = size;
}

Answer<Address> Address::parse(std::span<const std::byte> raw) {
  if (raw.size() <= kNameAt || raw.size() > kMost || family_of(raw) != family::kUnix) {
    return fail(Errno::Invalid);
  }
  const std::string_view text(reinterpret_cast<const char*>(raw.data()) + kNameAt, raw.size() - kNameAt);
  Address made;
  if (text.front() == 0) {
    made.set(text, raw.size());
  } else {
    const std::string_view path(text.data(), std::min(text.find('\0'), text.size()));
    made.set(path, kNameAt + path.size() + 1);
  }
  return made;
}

Address Address::automatic(std::uint32_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<char, 6> name{};
  for (std::size_t i = name.size() - 1; i != 0; --i, number >>= 4) name[i] = kDigits[number & 0xf];
  Address made;
  made.set({name.data(), name.size()}, kNameAt + name.size());
  return made;
}

std::string_view Address::name() const {
  if (none()) return {};
  return {raw_.data() + kNameAt, size_ - kNameAt - (abstract() ? 0 : 1)};
}

/// FNV-1a.
std::uint32_t Address::hash() const {
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : name()) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
  return hash;
}

}  // namespace fb::libos::posix::socket

// Any bytes: parse() refuses them, or every entry lies inside and is found under its name.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "core/archive/newc.hpp"

namespace {

using fb::core::Error;
using fb::core::archive::Archive;
using fb::core::archive::Entry;

void demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it by this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto archive = Archive::parse(bytes);
  if (!archive) {
    demand(archive.error() == Error::BadFormat);
    return 0;
  }
  std::size_t end = 0;
  for (const Entry& entry : *archive) {
    demand(!entry.name.empty() && entry.name.find('\0') == entry.name.npos);
    const std::size_t offset = entry.offset.raw();
    demand(offset >= end + 110 && offset % 4 == 0 && offset <= size &&
           entry.contents.size() <= size - offset);
    demand(entry.bytes().data() == bytes.data() + offset);
    end = offset + entry.contents.size();
    [[maybe_unused]] volatile char sink{};
    for (const char c : entry.contents) sink = c;
    // Linear search in a loop: only where that is cheap.
    if (size < 2048) demand(archive->find(entry.name).has_value());
  }
  return 0;
}

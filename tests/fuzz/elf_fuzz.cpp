// Any bytes: parse() refuses them, or what it returns holds every invariant.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "core/elf/image.hpp"
#include "tests/core/elf/invariants.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it by this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace elf = fb::core::elf;
  using fb::core::Error;
  const auto file = std::as_bytes(std::span(data, size));
  const auto image = elf::Image::parse(file);
  if (!image) {
    const Error error = image.error();
    if (error != Error::BadFormat && error != Error::NotSupported && error != Error::Limit) std::abort();
    return 0;
  }
  if (const char* broken = elf::broken_invariant(*image, file)) {
    std::fprintf(stderr, "broken: %s\n", broken);
    std::abort();
  }
  // ASan sees any byte that is not the input's.
  [[maybe_unused]] volatile std::byte sink{};
  for (const elf::Segment& segment : image->segments()) {
    for (const std::byte byte : segment.bytes) sink = byte;
  }
  return 0;
}

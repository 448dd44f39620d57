// Text for consoles and logs: print(sink, "cpus ", count, " at ", hex(address)). No format strings, no
// memory.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "core/types.hpp"

namespace fb::core::text {

/// Where text goes; put() is called once per piece and must not keep it.
template <class S>
concept Sink = requires(S& sink, std::string_view piece) { sink.put(piece); };

/// 0x and every digit of its type: hex(std::uint8_t{10}) is 0x0a, hex of an address has 16 digits.
struct Hex {
  std::uint64_t value;
  std::size_t digits;
};
template <std::unsigned_integral T>
constexpr Hex hex(T value) {
  return {value, 2 * sizeof(T)};
}
template <class T>
  requires requires { typename T::Representation; }
constexpr Hex hex(T value) {
  return hex(value.raw());
}

/// Exact, in the largest unit that divides it: 4 KiB, 1536 MiB, 5 B.
struct Units {
  ByteCount bytes;
};
constexpr Units units(ByteCount bytes) { return {bytes}; }

/// Digits of `value`, at least `width` of them. `base` is 10 or 16.
template <Sink S>
constexpr void print_digits(S& sink, std::uint64_t value, unsigned base, std::size_t width) {
  char digits[20];
  char* first = digits + sizeof digits;
  const char* const last = first;
  do {
    *--first = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0 || static_cast<std::size_t>(last - first) < width);
  sink.put({first, static_cast<std::size_t>(last - first)});
}

/// Text, one character, true or false, a decimal number, a strong type's number, hex() or units().
template <Sink S, class T>
constexpr void print_one(S& sink, const T& value) {
  using namespace std::string_view_literals;  // a plain literal would need strlen in a freestanding image
  if constexpr (std::same_as<T, bool>) {
    sink.put(value ? "true"sv : "false"sv);
  } else if constexpr (std::same_as<T, char>) {
    sink.put({&value, 1});
  } else if constexpr (std::unsigned_integral<T>) {
    print_digits(sink, value, 10, 1);
  } else if constexpr (std::signed_integral<T>) {
    if (value < 0) sink.put("-"sv);
    // Negated as unsigned: the least number has no positive counterpart.
    const auto magnitude = static_cast<std::uint64_t>(std::int64_t{value});
    print_digits(sink, value < 0 ? 0 - magnitude : magnitude, 10, 1);
  } else if constexpr (std::same_as<T, Hex>) {
    sink.put("0x"sv);
    print_digits(sink, value.value, 16, value.digits);
  } else if constexpr (std::same_as<T, Units>) {
    static constexpr std::string_view kNames[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    std::uint64_t count = value.bytes.raw();
    std::size_t unit = 0;
    for (; count != 0 && count % 1024 == 0 && unit != 4; ++unit) count /= 1024;
    print_digits(sink, count, 10, 1);
    sink.put(kNames[unit]);
  } else if constexpr (requires { typename T::Representation; }) {
    print_one(sink, value.raw());
  } else if constexpr (std::is_convertible_v<const T&, const char*>) {
    const char* const start = value;
    std::size_t size = 0;
    while (start[size] != '\0') ++size;
    sink.put({start, size});
  } else {
    sink.put(std::string_view(value));
  }
}

template <Sink S, class... Ts>
constexpr void print(S& sink, const Ts&... values) {
  (print_one(sink, values), ...);
}

}  // namespace fb::core::text

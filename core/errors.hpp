// The errors every fallible function of FeuerBird may return; `core/errors.def` is the one list.
#pragma once

#include <cstdint>

namespace fb::core {

/// Why a call refused. Zero is success on the ABI and has no enumerator here (DESIGN §4, C2).
enum class Error : std::uint32_t {
#define FB_ERROR(name, number, text) name = (number),
#include "core/errors.def"
#undef FB_ERROR
};

/// One sentence for people; never null. Unknown numbers give a fixed text.
constexpr const char* describe(Error error) {
  switch (error) {
#define FB_ERROR(name, number, text) \
  case Error::name:                  \
    return text;
#include "core/errors.def"
#undef FB_ERROR
  }
  return "unknown error";
}

/// The name of the enumerator, as the documentation spells it; never null.
constexpr const char* name_of(Error error) {
  switch (error) {
#define FB_ERROR(name, number, text) \
  case Error::name:                  \
    return #name;
#include "core/errors.def"
#undef FB_ERROR
  }
  return "Unknown";
}

}  // namespace fb::core

// Result<T>: what a fallible function returns. No exceptions anywhere in FeuerBird code.
#pragma once

#include <expected>
#include <utility>

#include "core/errors.hpp"

namespace fb::core {

template <class T = void>
using Result = std::expected<T, Error>;

/// `return fail(Error::Denied);` in a function that returns any Result.
[[nodiscard]] constexpr std::unexpected<Error> fail(Error error) { return std::unexpected<Error>{error}; }

}  // namespace fb::core

/// Evaluates a Result expression (or another std::expected); returns its error from the enclosing function, else drops the
/// (void) value.
#define FB_TRY(expression)                                                \
  do {                                                                    \
    if (auto fb_try_result = (expression); !fb_try_result) [[unlikely]] { \
      return std::unexpected{fb_try_result.error()};                      \
    }                                                                     \
  } while (false)

#define FB_TRY_JOIN_(a, b) a##b
#define FB_TRY_JOIN(a, b) FB_TRY_JOIN_(a, b)

/// `FB_ASSIGN(auto page, allocate());` declares `page` from a Result, or returns the error.
#define FB_ASSIGN(declaration, expression) \
  FB_ASSIGN_IMPL(FB_TRY_JOIN(fb_assign_, __LINE__), declaration, expression)
#define FB_ASSIGN_IMPL(name, declaration, expression) \
  auto name = (expression);                           \
  if (!name) [[unlikely]]                             \
    return std::unexpected{name.error()};             \
  declaration = *std::move(name)

"""abi/calls.hpp: the calls for ring-3 C++."""
from .model import Arg, Call, Contract, pascal
from .scalars import scalar_of
from .text import banner, comment, listing

HEAD = r"""#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "abi/exo.h"
#include "abi/types.hpp"
#include "core/result.hpp"

namespace fb::abi {

/// A handle whose object type the compiler knows. Copies name one capability; the kernel checks every use.
template <ObjectType T>
class Cap {
 public:
  constexpr Cap() = default;  ///< none
  constexpr explicit Cap(Handle handle) : handle_(handle) {}
  constexpr explicit Cap(std::uint64_t raw) : handle_(raw) {}
  /// Any capability will do where the type does not matter.
  template <ObjectType Other>
    requires(T == ObjectType::Any && Other != ObjectType::Any)
  constexpr Cap(Cap<Other> other) : handle_(other.handle()) {}  // NOLINT: widening

  [[nodiscard]] constexpr Handle handle() const { return handle_; }
  [[nodiscard]] constexpr std::uint64_t raw() const { return handle_.raw(); }
  [[nodiscard]] constexpr bool none() const { return handle_.none(); }
  /// Claims a type for a handle that came without one (in a message); a wrong claim is WrongType at its use.
  template <ObjectType Other>
  [[nodiscard]] constexpr Cap<Other> as() const {
    return Cap<Other>(handle_);
  }
  constexpr bool operator==(const Cap&) const = default;

 private:
  Handle handle_{};
};

/// A gate message: six words, and the header that says how much of the area's exo_message travels along.
using Words = ::exo_words;

namespace calls {

/// The error of a status that is not 0. A server's own status, outside the list, is BadFormat.
constexpr core::Error error_of(std::uint64_t status) {
  return status <= %(last)d ? static_cast<core::Error>(status) : core::Error::BadFormat;
}

/// A reply of the kernel as a Result; its status is 0 or one of core::Error.
template <class T = void>
[[nodiscard]] inline core::Result<T> result_of(::exo_reply reply) {
  if (reply.status != EXO_OK) [[unlikely]] return core::fail(static_cast<core::Error>(reply.status));
  if constexpr (std::is_void_v<T>) return {};
  else if constexpr (std::is_enum_v<T>) return static_cast<T>(reply.value);
  else return T(reply.value);
}

/// An entry for the call ring.
[[nodiscard]] constexpr ::exo_ring_entry entry_of(CallNumber call, std::unsigned_integral auto... args) {
  return {.call = static_cast<std::uint32_t>(call), .status = 0, .args = {args...}, .result = 0};
}
"""

TAIL = r"""
}  // namespace calls
}  // namespace fb::abi
"""


def cpp_type(contract: Contract, arg: Arg, generic: Arg | None) -> str:
    if not arg.is_cap:
        return scalar_of(contract, arg).cpp
    return "Cap<T>" if arg == generic else f"Cap<ObjectType::{arg.detail}>"


def params(contract: Contract, call: Call, generic: Arg | None) -> list[str]:
    """Optional capabilities at the end may be left out."""
    found, optional = [], True
    for arg in reversed(call.args):
        optional = optional and arg.optional
        found.append(f"{cpp_type(contract, arg, generic)} {arg.name}{' = {}' if optional else ''}")
    return found[::-1]


def raws(contract: Contract, call: Call) -> list[str]:
    return [f"{arg.name}.raw()" if arg.is_cap else scalar_of(contract, arg).raw.format(a=arg.name)
            for arg in call.args]


def result_type(call: Call) -> str:
    if not call.result:
        return ""
    kind, detail = call.result.kind, call.result.detail
    if kind == "handle":
        return "Cap<T>" if call.handle_follows else f"Cap<ObjectType::{detail}>"
    simple = {"word": "std::uint64_t", "bits": "EventBits", "bytes": "core::ByteCount",
              "pages": "core::PageCount"}
    return detail if kind == "enum" else simple[kind]


def message_call(contract: Contract, call: Call) -> list[str]:
    """Message calls take the registers of a running context: a ring entry has no room for them."""
    first = call.args[0]
    number = f"EXO_CALL_{call.name.upper()}"
    raw = raws(contract, call)[0]
    kind = "[[nodiscard]] inline core::Result<Words>" if call.result else "inline core::Error"
    arguments = [f"{cpp_type(contract, first, None)} {first.name}", "Words words"]
    lines = [*listing(f"{kind} {call.name}(", arguments, ") {"),
             f"  const std::uint64_t answer = exo_syscall_words({number}, {raw}, &words);"]
    if not call.result:
        return lines + ["  return error_of(answer);", "}"]
    return lines + ["  if (answer != EXO_OK) [[unlikely]] return core::fail(error_of(answer));",
                    "  return words;", "}"]


def plain_call(contract: Contract, call: Call) -> list[str]:
    generic = call.handle_follows
    template = ["template <ObjectType T>"] if generic else []
    kind, values = result_type(call), raws(contract, call)
    arguments = params(contract, call, generic)
    target = f"result_of<{kind}>" if kind else "result_of"
    number = f"EXO_CALL_{call.name.upper()}"
    encode = f"[[nodiscard]] constexpr ::exo_ring_entry encode_{call.name}("
    return [
        *template, *listing(f"[[nodiscard]] inline core::Result<{kind}> {call.name}(", arguments, ") {"),
        *listing(f"  return {target}(exo_syscall{len(values)}{'_switching' if call.switches else ''}(", [number, *values], "));", "      "), "}",
        *template, *listing(encode, arguments, ") {"),
        *listing("  return entry_of(", [f"CallNumber::{pascal(call.name)}", *values], ");", "      "), "}"]


def emit(contract: Contract) -> str:
    what = "The calls of ring 0 for ring-3 C++; encode_* makes the same call an entry of the call ring."
    lines = comment(banner(what), "// ")
    last = max(error.number for error in contract.errors)
    lines += (HEAD % {"last": last}).rstrip("\n").split("\n")
    for call in contract.calls:
        note = "" if call.result or not call.is_message else " Returns only when refused."
        lines += ["", *comment(f"{call.text}{note} ({', '.join(call.item)})", "/// ")]
        lines += message_call(contract, call) if call.is_message else plain_call(contract, call)
    return "\n".join(lines) + TAIL

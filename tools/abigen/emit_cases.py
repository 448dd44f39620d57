"""abi/decode_cases.hpp: the rows of calls.toml as data, for tests of the wrappers and the decode table."""
from .emit_decode import result_type
from .model import Arg, Call, Contract, cpp_rights
from .scalars import full_kind, scalar_of
from .text import banner, comment, listing

HEAD = r"""#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "abi/types.hpp"

namespace fb::abi::cases {

/// One argument as its row says it. `kind` is "cap" or the scalar's type; flags and enums without their name.
struct Argument {
  std::string_view name;
  std::string_view kind;
  std::uint64_t limit;  ///< flags: the mask of all; enum: how many
  ObjectType type;
  core::cap::Rights need;
  bool optional;
};

struct Call {
  std::string_view name;
  std::uint64_t number;
  core::cap::Authorities authority;  ///< empty: none
  bool later;
  bool message;
  std::string_view result;  ///< empty: none
  std::size_t count;
  std::array<Argument, 6> args;
};

using R = core::cap::Right;
using A = core::cap::Authority;
using T = ObjectType;
"""


def argument(contract: Contract, arg: Arg) -> str:
    if arg.is_cap:
        rights = cpp_rights(contract, arg.rights).replace("Right::", "R::") if arg.rights else "{}"
        return f'{{"{arg.name}", "cap", 0, T::{arg.detail}, {rights}, {"true" if arg.optional else "false"}}}'
    kind, limit = full_kind(arg), 0
    if arg.kind in ("flags", "enum"):
        group = contract.group(arg.detail)
        kind, limit = arg.kind, group.mask if arg.kind == "flags" else len(group.members)
    return f'{{"{arg.name}", "{kind}", {limit}, T::Any, {{}}, false}}'


def row(contract: Contract, call: Call) -> list[str]:
    authority = f"A::{contract.authority(call.authority).name}" if call.authority else "{}"
    later, message = (str(flag).lower() for flag in (call.later, call.is_message))
    result = call.result.kind if call.result else ""
    args = [argument(contract, arg) for arg in call.args]
    fields = [f'"{call.name}"', str(call.number), authority, later, message, f'"{result}"', str(len(args))]
    head = f"    Call{{{', '.join(fields)}, "
    return [head + "{}},"] if not args else listing(head + "{{", args, "}}},", "         ")


def handler_types(contract: Contract, call: Call) -> list[str]:
    return [f"Ref<ObjectType::{arg.detail}>" if arg.is_cap else scalar_of(contract, arg).cpp
            for arg in call.args]


def macro(text: str, name: str, rows: list[str]) -> list[str]:
    return ["", *comment(text, "/// "), f"#define {name}(X) \\", *[f"  {row} \\" for row in rows[:-1]],
            f"  {rows[-1]}"]


def emit(contract: Contract) -> str:
    lines = comment(banner("The rows of the contract, for tests only."), "// ")
    lines += HEAD.rstrip("\n").split("\n")
    lines += ["", f"inline constexpr std::array<Call, {len(contract.calls)}> kCalls{{"]
    for call in contract.calls:
        lines += row(contract, call)
    lines += ["};"]
    handlers = [f"X({', '.join([call.name, result_type(call), *handler_types(contract, call)])})"
                for call in contract.calls if not call.later]
    lines += macro("X(call, T of the handler's Result<T>, types of its arguments..) for each built call.",
                   "FB_ABI_FOR_EACH_HANDLER", handlers)
    names = [f"X({call.name}, {'<::fb::abi::ObjectType::Pages>' if call.handle_follows else ''})"
             for call in contract.calls if not call.is_message]
    lines += macro("X(call, template arguments of its wrapper) for each call without a message.",
                   "FB_ABI_FOR_EACH_PLAIN_CALL", names)
    return "\n".join(lines) + "\n\n}  // namespace fb::abi::cases\n"

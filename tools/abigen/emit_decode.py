"""abi/decode.hpp: from registers to checked, typed arguments; the only way into a handler (CAP-7)."""
import re

from .model import Arg, Call, Contract, cpp_rights
from .scalars import scalar_of
from .text import banner, comment, listing

HEAD = r"""#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "abi/types.hpp"
#include "core/result.hpp"

namespace fb::abi {

using Word = std::uint64_t;  // a register as it came
using Thunk = Reply (*)(Word, Word, Word, Word, Word, Word);

constexpr Reply refuse(core::Error error) { return {static_cast<Word>(error), 0}; }
constexpr bool user_address(Word a) { return core::user_range(core::VirtAddr(a), core::ByteCount()); }
constexpr bool user_page(Word a) { return user_address(a) && core::VirtAddr(a).page_aligned(); }

/// The answer of a handler as registers. A handler returns the Result that its row names, Result<Word> for a
/// value of any type, or a Reply where a failure carries a value too.
template <class T, class R>
constexpr Reply fold(const R& result) {
  if constexpr (std::is_same_v<R, Reply>) {
    return result;
  } else {
    constexpr bool plain = !std::is_void_v<T> && std::is_same_v<R, core::Result<Word>>;
    static_assert(plain || std::is_same_v<R, core::Result<T>>, "the handler's result is not the table's");
    if (!result) [[unlikely]] return refuse(result.error());
    if constexpr (std::is_void_v<T>) return {};
    else if constexpr (requires { result->raw(); }) return {0, result->raw()};
    else return {0, static_cast<Word>(*result)};
  }
}

/// 0 is no capability here, and stays none.
template <ObjectType T, class Call>
constexpr auto lookup_optional(Call& call, Word raw, core::cap::Rights need)
    -> decltype(call.template lookup<T>(Handle(raw), need)) {
  if (raw == 0) return call.template none<T>();
  return call.template lookup<T>(Handle(raw), need);
}

// K::enter() gives the call in progress: cpu_count(), authorities(), lookup<T>(Handle, Rights), none<T>(),
// lookup_any(Handle, Rights), lookup_demanded(Handle, Demand), and a handler for each call. Scalars are
// checked before capabilities, so that nothing is held when one is refused; nothing acts before all
// arguments are good.
#define FB_ABI_CHECK(condition, error) \
  if (!(condition)) [[unlikely]] return refuse(core::Error::error)
#define FB_ABI_TAKE(name, ...) \
  auto name = __VA_ARGS__;     \
  if (!name) [[unlikely]] return refuse(name.error())

template <class K>
Reply decode_hole(Word, Word, Word, Word, Word, Word) {
  return refuse(core::Error::BadCall);
}
"""

TAIL = r"""
#undef FB_ABI_CHECK
#undef FB_ABI_TAKE
"""

RESULTS = {"handle": "Handle", "word": "Word", "bits": "EventBits", "bytes": "core::ByteCount",
           "pages": "core::PageCount", "message": "Word"}


def result_type(call: Call) -> str:
    """The T of the handler's Result<T>."""
    if not call.result:
        return "void"
    return call.result.detail if call.result.kind == "enum" else RESULTS[call.result.kind]


def check(contract: Contract, arg: Arg, register: str) -> list[str]:
    scalar = scalar_of(contract, arg)
    return [f"  FB_ABI_CHECK({scalar.holds.format(a=register)}, {scalar.error});"] if scalar.holds else []


def take(contract: Contract, call: Call, arg: Arg, register: str) -> list[str]:
    rights = cpp_rights(contract, arg.rights, "core::cap::")
    if arg.demand:
        asked = next(i for i, other in enumerate(call.args) if other.name == arg.demand)
        lookup = f"call.lookup_demanded(Handle({register}), core::cap::Demand(a{asked}))"
    elif arg.detail == "Any":
        lookup = f"call.lookup_any(Handle({register}), {rights})"
    elif arg.optional:
        lookup = f"lookup_optional<ObjectType::{arg.detail}>(call, {register}, {rights})"
    else:
        lookup = f"call.template lookup<ObjectType::{arg.detail}>(Handle({register}), {rights})"
    return listing(f"  FB_ABI_TAKE({arg.name}, ", [lookup], ");", "      ")


def thunk(contract: Contract, call: Call) -> list[str]:
    lines = ["  auto& call = K::enter();"]
    for i, arg in enumerate(call.args):
        lines += [] if arg.is_cap else check(contract, arg, f"a{i}")
    if call.authority:
        name = contract.authority(call.authority).name
        lines.append(f"  FB_ABI_CHECK(call.authorities().has(core::cap::Authority::{name}), Authority);")
    for i, arg in enumerate(call.args):
        lines += take(contract, call, arg, f"a{i}") if arg.is_cap else []
    values = [made(contract, arg, f"a{i}") for i, arg in enumerate(call.args)]
    answer = listing(f"  return fold<{result_type(call)}>(call.{call.name}(", values, "));", "      ")
    lines += ["  return refuse(core::Error::NotSupported);"] if call.later else answer
    body = "\n".join(lines)
    words = [f"Word a{i}" if re.search(rf"\ba{i}\b", body) else "Word" for i in range(6)]
    return ["", f"/// exo_{call.name} ({call.number})", "template <class K>",
            f"Reply decode_{call.name}({', '.join(words)}) {{", *lines, "}"]


def made(contract: Contract, arg: Arg, register: str) -> str:
    if arg.is_cap:
        return f"*{arg.name}"
    scalar = scalar_of(contract, arg)
    return scalar.make.format(a=register, cpp=scalar.cpp)


def tables(contract: Contract) -> list[str]:
    by_number = {call.number: call.name for call in contract.calls}
    thunks = [f"decode_{by_number.get(i, 'hole')}<K>" for i in range(contract.limit)]
    names = [f'"{by_number.get(i, "")}"' for i in range(contract.limit)]
    return ["", "/// By call number; the caller checks that it is below kCallLimit.", "template <class K>",
            *listing("inline constexpr std::array<Thunk, kCallLimit> kDecodeTable{", thunks, "};"),
            "", "/// By call number; empty where there is no call.",
            *listing("inline constexpr std::array<std::string_view, kCallLimit> kCallNames{", names, "};")]


def emit(contract: Contract) -> str:
    what = "The kernel's decode table: every call, its arguments checked, then its handler (CAP-7)."
    lines = comment(banner(what), "// ")
    lines += HEAD.rstrip("\n").split("\n")
    for call in contract.calls:
        lines += thunk(contract, call)
    lines += TAIL.rstrip("\n").split("\n") + tables(contract)
    return "\n".join(lines) + "\n\n}  // namespace fb::abi\n"

"""abi/types.hpp: the types that both sides of a call use."""
from .model import Contract, Group, cpp_rights, pascal
from .text import banner, comment, listing

HEAD = r"""#pragma once

#include <array>
#include <cstdint>

#include "core/cap/rights.hpp"
#include "core/errors.hpp"
#include "core/types.hpp"

namespace fb::abi {
"""

BASE = r"""
/// A capability handle: slot (low 32 bits), generation (high 32 bits); 0 is none. Local to a domain (C3.02).
class Handle : public core::Strong<struct HandleTag> {
 public:
  using Strong::Strong;
  constexpr Handle(std::uint32_t slot, std::uint32_t generation)
      : Strong(std::uint64_t{generation} << 32 | slot) {}
  [[nodiscard]] constexpr std::uint32_t slot() const { return static_cast<std::uint32_t>(raw()); }
  [[nodiscard]] constexpr std::uint32_t generation() const { return static_cast<std::uint32_t>(raw() >> 32); }
  [[nodiscard]] constexpr bool none() const { return raw() == 0; }
};

using Bit = core::Strong<struct BitTag, std::uint32_t>;  ///< of an event, 0 to 63
using EventBits = core::Strong<struct EventBitsTag>;
using Slot = core::Strong<struct SlotTag, std::uint32_t>;  ///< of a CPU's slice vector, 0 to 63
inline constexpr std::uint64_t kEventBits = 64;
inline constexpr std::uint64_t kSliceSlots = 64;
inline constexpr core::Nanoseconds kNever{~std::uint64_t{0}};  ///< the deadline that does not come

/// What a call leaves in rax (0 or an error's number) and rdx.
struct Reply {
  std::uint64_t status{};
  std::uint64_t value{};
};

/// How many values an enumeration of the contract has; they are 0 to n - 1.
template <class Enum>
inline constexpr std::uint64_t kCountOf = 0;

/// The union of all flags of a set of the contract.
template <class Flags>
inline constexpr std::uint64_t kAllOf = 0;

/// No unknown bits.
template <class Flags>
constexpr bool valid(Flags flags) {
  return flags.within(Flags(kAllOf<Flags>));
}

inline constexpr core::cap::Authorities kAllAuthorities = core::cap::ceiling(core::cap::Zone::Kernel);
"""

RIGHTS_TABLE = r"""
/// The rights that mean something for a type; a creating capability holds exactly these. None for Any.
struct RightsTable {
  std::array<core::cap::Rights, %d> rows;
  constexpr core::cap::Rights operator()(ObjectType type) const {
    return rows[static_cast<std::uint8_t>(type)];
  }
};"""


def enumeration(text: str, head: str, rows: list[tuple[str, int]]) -> list[str]:
    items = [f"{name} = {value}" for name, value in rows]
    return ["", *comment(text, "/// "), *listing(f"enum class {head} {{ ", items, " };")]


def object_types(contract: Contract) -> list[str]:
    rows = [("Any", 0)] + [(kind.name, kind.number) for kind in contract.types]
    text = "What a capability names; `Any` stands in signatures only."
    lines = enumeration(text, "ObjectType : std::uint8_t", rows)
    count = max(number for _, number in rows) + 1
    lines += (RIGHTS_TABLE % count).split("\n")
    held = {kind.number: kind.rights for kind in contract.types}
    lines.append("inline constexpr RightsTable kRightsOf = [] {")
    lines.append("  using enum core::cap::Right;")
    lines.append("  RightsTable table{};")
    for kind in contract.types:
        rights = cpp_rights(contract, held[kind.number]).replace("Right::", "") if kind.rights else "{}"
        lines.append(f"  table.rows[{kind.number}] = {rights};  // {kind.name}")
    return lines + ["  return table;", "}();"]


def flag_group(group: Group) -> list[str]:
    text = " ".join(f"{member.name}: {member.text}." for member in group.members)
    lines = enumeration(text, f"{group.bit_name} : std::uint8_t", [(m.name, m.value) for m in group.members])
    flags, bit = group.name, group.bit_name
    return lines + [
        f"using {flags} = core::cap::BitSet<{bit}>;",
        f"constexpr {flags} operator|({flags} a, {flags} b) {{ return a.join(b); }}",
        f"constexpr {flags} operator|({bit} a, {bit} b) {{ return {flags}(a).join(b); }}",
        "template <>", f"inline constexpr std::uint64_t kAllOf<{flags}> = 0x{group.mask:x};"]


def enum_group(group: Group) -> list[str]:
    text = " ".join(f"{member.name}: {member.text}." for member in group.members)
    lines = enumeration(text, f"{group.name} : std::uint8_t", [(m.name, m.value) for m in group.members])
    return lines + ["template <>",
                    f"inline constexpr std::uint64_t kCountOf<{group.name}> = {len(group.members)};"]


def same_numbers(contract: Contract) -> list[str]:
    """Equality with the lists in core/, so that stale generated code does not build."""
    lines = ["", "/// For the assertions below.",
             "constexpr bool is(auto name, std::uint64_t number) {",
             "  return static_cast<std::uint64_t>(name) == number;", "}"]
    for enum, rows in [("core::Error", [(error.name, error.number) for error in contract.errors]),
                       ("core::cap::Right", [(right.name, right.value) for right in contract.rights]),
                       ("core::cap::Authority", [(item.name, item.value) for item in contract.authorities])]:
        tests = [f"is({name}, {number})" for name, number in rows]
        lines += ["static_assert([] {", f"  using enum {enum};",
                  *listing("  return ", tests, ";", "         ", " &&"),
                  f'}}(), "older than the list of {enum}");']
    return lines


def emit(contract: Contract) -> str:
    lines = comment(banner("The types that both sides of a ring-0 call use."), "// ")
    lines += HEAD.rstrip("\n").split("\n")
    lines += ["", f"inline constexpr std::uint64_t kAbiVersion = {contract.version};"]
    lines += BASE.rstrip("\n").split("\n") + object_types(contract)
    for group in contract.flags:
        lines += flag_group(group)
    for group in contract.enums:
        lines += enum_group(group)
    calls = [(pascal(call.name), call.number) for call in contract.calls]
    lines += enumeration("The calls, as in rax.", "CallNumber : std::uint32_t", calls)
    limit = f"inline constexpr std::uint64_t kCallLimit = {contract.limit};"
    lines.append(f"{limit}  ///< one more than the highest")
    lines += same_numbers(contract)
    return "\n".join(lines) + "\n\n}  // namespace fb::abi\n"

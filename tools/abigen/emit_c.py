"""abi/exo.h: the constants and the calls of ring 0 for C17 and for C++."""
from .model import Arg, Call, Contract, Group, upper
from .text import WIDTH, banner, comment, listing

HEAD = r"""#ifndef FB_ABI_EXO_H
#define FB_ABI_EXO_H

#include <stdint.h>

#include "abi/layout.h"

/* A capability handle: slot (low 32 bits), generation (high 32 bits); 0 is none. Local to its domain. */
typedef uint64_t exo_cap;

/* What a call leaves in rax and rdx. */
struct exo_reply {
  uint64_t status; /* EXO_OK or EXO_E_... */
  uint64_t value;
};

/* A gate message: six words in registers, and how many words and handles of exo_message travel along. */
struct exo_words {
  uint64_t w[6];
  uint64_t header;
};

/* What exo_cap_check asks for: this type (EXO_TYPE_...) with these rights. Rights alone: any type. */
#define EXO_NEED(type, rights) ((UINT64_C(1) << (32 + (type))) | (rights))

#define EXO_NEVER UINT64_MAX /* the deadline that does not come */
"""

SYSCALL = r"""
/* The instruction that enters ring 0; a test may name a function of its own here. */
#ifndef EXO_SYSCALL_INSTRUCTION
#define EXO_SYSCALL_INSTRUCTION "syscall"
#endif

/* The calls by number: number in rax; arguments in rdi, rsi, rdx, r10, r8, r9; status in rax, value in rdx.
 * The kernel zeroes the other argument registers, the CPU overwrites rcx and r11. */
"""

MESSAGE = r"""
/* A call that carries a message: words in rsi, rdx, r10, r8, r9, rbx, header in r12, both ways. */
static inline uint64_t exo_syscall_words(uint64_t number, uint64_t first, struct exo_words *words) {
  uint64_t w0 = words->w[0], w1 = words->w[1], w5 = words->w[5];
  register uint64_t w2 __asm__("r10") = words->w[2];
  register uint64_t w3 __asm__("r8") = words->w[3];
  register uint64_t w4 __asm__("r9") = words->w[4];
  register uint64_t header __asm__("r12") = words->header;
  __asm__ volatile(EXO_SYSCALL_INSTRUCTION
                   : "+a"(number), "+D"(first), "+S"(w0), "+d"(w1), "+r"(w2), "+r"(w3), "+r"(w4), "+b"(w5),
                     "+r"(header)
                   :
                   : "rcx", "r11", "memory", "cc");
  words->w[0] = w0;
  words->w[1] = w1;
  words->w[2] = w2;
  words->w[3] = w3;
  words->w[4] = w4;
  words->w[5] = w5;
  words->header = header;
  return number;
}
"""

PLAIN_REGISTERS = {0: "D", 1: "S", 2: "d"}
NAMED_REGISTERS = {3: "r10", 4: "r8", 5: "r9"}
NOT_IN_C = "modernize-use-using,modernize-redundant-void-arg"
ZEROED = {0: "rdi", 1: "rsi", 3: "r10", 4: "r8", 5: "r9"}


def syscall(count: int, suffix: str = "", more_clobbers: tuple[str, ...] = ()) -> list[str]:
    """exo_syscall<count>: the registers that carry no argument are clobbered instead."""
    params = ["uint64_t number"] + [f"uint64_t a{i}" for i in range(count)]
    lines = listing(f"static inline struct exo_reply exo_syscall{count}{suffix}(", params, ") {")
    lines.append("  struct exo_reply reply;")
    for i in range(3, count):
        lines.append(f'  register uint64_t r{i} __asm__("{NAMED_REGISTERS[i]}") = a{i};')
    outputs = ['"+a"(number)']
    for i in range(count):
        outputs.append(f'"+{PLAIN_REGISTERS[i]}"(a{i})' if i < 3 else f'"+r"(r{i})')
    if count < 3:
        outputs.append('"=d"(reply.value)')
    clobbers = ["rcx", "r11"] + [name for i, name in ZEROED.items() if i >= count] + [*more_clobbers, "memory", "cc"]
    lines += ["  __asm__ volatile(EXO_SYSCALL_INSTRUCTION",
              f"                   : {', '.join(outputs)}",
              "                   :",
              "                   : " + ", ".join(f'"{name}"' for name in clobbers) + ");",
              "  reply.status = number;"]
    if count >= 3:
        lines.append("  reply.value = a2;")
    return lines + ["  return reply;", "}"]


def enumeration(tag: str, rows: list[tuple[str, int, str]]) -> list[str]:
    lines = ["", f"enum {tag} {{"]
    for name, value, text in rows:
        lines.append(f"  {name} = {value},")
        if text:
            lines[-1:] = mark(lines[-1], text)
    return lines + ["};"]


def mark(line: str, text: str) -> list[str]:
    """The line with a comment behind it, or above it where it is too long for that."""
    full = f"{line} /* {text} */"
    if len(full) <= WIDTH:
        return [full]
    return block(text, line[:len(line) - len(line.lstrip())]) + [line]


def block(text: str, indent: str = "") -> list[str]:
    lines = comment(text, f"{indent} * ", f"{indent}/* ", WIDTH - len(" */"))
    return lines[:-1] + [lines[-1] + " */"]


def masks(title: str, prefix: str, rows: tuple, unions: list[tuple[str, str]]) -> list[str]:
    lines = ["", f"/* {title} */"]
    for row in rows:
        lines += mark(f"#define {prefix}{row.cname} (UINT64_C(1) << {row.value})", row.text)
    return lines + [f"#define {prefix}{name} {value}" for name, value in unions]


def group_prefix(group: Group) -> str:
    return f"EXO_{upper(group.name)}_"


def constants(contract: Contract) -> list[str]:
    every_right = sum(1 << right.value for right in contract.rights)
    every_authority = sum(1 << authority.value for authority in contract.authorities)
    errors = [(f"EXO_E_{upper(error.name)}", error.number, error.text) for error in contract.errors]
    lines = ["", f"#define EXO_ABI_VERSION {contract.version}"]
    lines += enumeration("exo_status", [("EXO_OK", 0, ""), *errors])
    lines += masks("Rights of a capability.", "EXO_RIGHT_", contract.rights,
                   [("RWX", "(EXO_RIGHT_READ | EXO_RIGHT_WRITE | EXO_RIGHT_EXECUTE)"),
                    ("ALL", f"UINT64_C(0x{every_right:x})")])
    lines += masks("Zone authorities of a domain.", "EXO_CAP_", contract.authorities,
                   [("ROOT", f"UINT64_C(0x{every_authority:x})")])
    types = [(f"EXO_TYPE_{upper(kind.name)}", kind.number, "") for kind in contract.types]
    lines += enumeration("exo_type", types)
    for group in contract.flags:
        lines += masks(f"{group.name}.", group_prefix(group), group.members, [])
    for group in contract.enums:
        rows = [(group_prefix(group) + member.cname, member.value, member.text) for member in group.members]
        lines += enumeration(f"exo_{upper(group.name).lower()}", rows)
    calls = [(f"EXO_CALL_{call.name.upper()}", call.number, "") for call in contract.calls]
    return lines + enumeration("exo_call", calls)


def status_name(contract: Contract) -> list[str]:
    names = {0: "EXO_OK"} | {error.number: f"EXO_E_{upper(error.name)}" for error in contract.errors}
    unknown = "unknown status"
    row = [f'"{names.get(number, unknown)}"' for number in range(max(names) + 1)]
    return ["", "/* The name of a status; never null. */",
            "static inline const char *exo_status_name(uint64_t status) {",
            *listing("  static const char *const kNames[] = {", row, "};", "      "),
            f'  return status <= {max(names)} ? kNames[status] : "{unknown}";', "}"]


def c_type(arg: Arg) -> str:
    return "exo_cap" if arg.is_cap else "uint64_t"


def prototype(call: Call) -> list[str]:
    """The parameters of exo_<call>, in C."""
    if call.is_message:
        constness = "" if call.result else "const "
        return [f"{c_type(call.args[0])} {call.args[0].name}", f"{constness}struct exo_words *words"]
    params = [f"{c_type(arg)} {arg.name}" for arg in call.args]
    if call.result:
        pointer = "exo_cap" if call.result.kind == "handle" else "uint64_t"
        params.append(f"{pointer} *{call.result.name}")
    return params or ["void"]


def wrapper(call: Call) -> list[str]:
    lines = [""] + block(call.text)
    lines += listing(f"static inline uint64_t exo_{call.name}(", prototype(call), ") {")
    number = f"EXO_CALL_{call.name.upper()}"
    if call.is_message:
        first = call.args[0].name
        if call.result:
            return lines + [f"  return exo_syscall_words({number}, {first}, words);", "}"]
        return lines + ["  struct exo_words copy = *words;",
                        f"  return exo_syscall_words({number}, {first}, &copy);", "}"]
    suffix = "_switching" if call.switches else ""
    invocation = f"exo_syscall{len(call.args)}{suffix}({', '.join([number] + [arg.name for arg in call.args])})"
    if not call.result:
        return lines + [f"  return {invocation}.status;", "}"]
    return lines + [f"  struct exo_reply reply = {invocation};", f"  *{call.result.name} = reply.value;",
                    "  return reply.status;", "}"]


def emit(contract: Contract) -> str:
    lines = block(banner("The calls of ring 0, for C17 and C++."))
    lines.append(f"/* NOLINTBEGIN({NOT_IN_C}): C has no other way to say it */")
    lines += HEAD.rstrip("\n").split("\n") + constants(contract) + status_name(contract)
    lines += SYSCALL.rstrip("\n").split("\n")
    for count in range(7):
        lines += ([""] if count else []) + syscall(count)
    for count in sorted({len(call.args) for call in contract.calls if call.switches}):
        lines += ["", "/* The same where another context has run meanwhile: only rsp and rbp are kept. */"]
        lines += syscall(count, "_switching", ("rbx", "r12", "r13", "r14", "r15"))
    lines += MESSAGE.rstrip("\n").split("\n")
    for call in contract.calls:
        lines += wrapper(call)
    return "\n".join(lines) + f"\n\n#endif\n/* NOLINTEND({NOT_IN_C}) */\n"

#!/usr/bin/env python3
"""Refuses an image that touches vector or floating-point registers where only general ones are allowed.

The compiler flags take away SSE, not x87 (cmake/zones.cmake says why), and no flag reads assembly. So the
result is read. Instructions that save, restore or reset the whole state are fine.
usage: check_image.py [--allow=SYMBOL]... ELF
"""

import re
import subprocess
import sys

SYMBOL = re.compile(r"^[0-9a-f]+ <(.+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
VECTOR_REGISTER = re.compile(r"%(?:[xyz]?mm\d+|st\b|k[0-7]\b)")
# Everything of x87 begins with f; so do these, which handle the state as a whole.
WHOLE_STATE = re.compile(r"^(?:fninit|finit|fwait|fn?clex|fxsave(?:64)?|fxrstor(?:64)?|fnstcw|fnstsw|fldcw)$")


def offends(mnemonic, operands):
    """Whether one instruction uses what it may not."""
    if VECTOR_REGISTER.search(operands):
        return True
    return mnemonic.startswith("f") and not WHOLE_STATE.match(mnemonic)


def offences(disassembly, allowed):
    """(symbol, address, text) of each offending instruction outside the allowed symbols."""
    symbol, found = "?", []
    for line in disassembly.split("\n"):
        label = SYMBOL.match(line)
        if label:
            symbol = label[1]
            continue
        instruction = INSTRUCTION.match(line)
        if not instruction or symbol.split("(")[0] in allowed:
            continue
        address, mnemonic, operands = instruction.groups()
        if offends(mnemonic, operands):
            found.append((symbol, address, f"{mnemonic} {operands}".strip()))
    return found


def main(arguments):
    """Returns 1 when there is an offence."""
    allowed = {argument.removeprefix("--allow=") for argument in arguments if argument.startswith("--allow=")}
    image = arguments[-1]
    disassembly = subprocess.run(
        ["llvm-objdump-19", "--disassemble", "--demangle", "--no-show-raw-insn", "--no-leading-headers", image],
        check=True, capture_output=True, text=True).stdout
    found = offences(disassembly, allowed)
    for symbol, address, text in found[:20]:
        print(f"{image}: {symbol} at {address}: {text}: general registers only", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

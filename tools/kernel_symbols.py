#!/usr/bin/env python3
"""Makes the kernel's own symbol table, and the count of its lines, from a first link of the image.

Reads the functions of an ELF file with llvm-nm and writes assembly that the second link adds: offsets from
the kernel base, ascending, and the names without their parameter lists. The second link does not move any
function, because the table lies behind the text.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

KERNEL_BASE = 0xFFFFFFFF80000000


def short_name(name):
    """fb::kernel::sched::stop(fb::...) -> kernel::sched::stop; template arguments and parameters go."""
    depth, kept = 0, []
    for char in name.replace("(anonymous namespace)::", ""):
        if char in "(<":
            depth += 1
        elif char in ")>":
            depth -= 1
        elif depth == 0:
            kept.append(char)
    words = re.sub(r"\s+const$", "", "".join(kept)).split()
    return (words[-1] if words else name).removeprefix("fb::")


def functions(image):
    """(offset, name) of every function, ascending, one per address."""
    listed = subprocess.run(["llvm-nm-19", "--defined-only", "--numeric-sort", "--demangle", image],
                            check=True, capture_output=True, text=True).stdout
    found = {}
    for line in listed.splitlines():
        address, kind, name = line.split(" ", 2)
        offset = int(address, 16) - KERNEL_BASE
        if kind in "TtWw" and 0 < offset < 1 << 32 and not name.startswith("."):
            found.setdefault(offset, short_name(name))
    return sorted(found.items())


def assembly(symbols, lines):
    """The table as assembly source."""
    names, starts, position = [], [], 0
    for _, name in symbols:
        starts.append(position)
        names.append(name)
        position += len(name.encode()) + 1
    out = ["  .section .symbols, \"a\"", "  .balign 8", "  .globl ring0_line_count", "ring0_line_count:",
           f"  .quad {lines}", "  .globl symbol_count", "symbol_count:", f"  .long {len(symbols)}",
           "  .globl symbol_offsets", "symbol_offsets:"]
    out += [f"  .long {offset:#x}" for offset, _ in symbols]
    out += ["  .globl symbol_names", "symbol_names:"] + [f"  .long {start}" for start in starts]
    out += ["  .globl symbol_text", "symbol_text:"]
    out += ["  .asciz \"" + name.replace("\\", "\\\\").replace('"', '\\"') + "\"" for name in names]
    return "\n".join(out) + "\n"


def count_lines(build, image):
    """What ./fb loc says of this image."""
    loc = Path(__file__).with_name("loc.py")
    counted = subprocess.run([sys.executable, "-B", str(loc), "--build", build, "--image", image, "--total"],
                             check=True, capture_output=True, text=True)
    return int(counted.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--image", required=True, help="the first link")
    parser.add_argument("--build", required=True, help="build directory, for counting lines")
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    relative = str(Path(arguments.image).resolve().relative_to(Path(arguments.build).resolve()))
    text = assembly(functions(arguments.image), count_lines(arguments.build, relative))
    Path(arguments.output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Where the instructions of one operation go: every instruction between the two markers, named.

The guest stops before the row's last repetition; then QEMU is told, by its monitor, to translate one instruction at a
time and to log each that it executes.
"""

import os
import re
import socket
import subprocess
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from bench.guest import Lines, RowError, boot
from bench.machines import feuerbird, program
from fbsource import REPO

EXECUTED = re.compile(r"^Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/")
STOPPED = re.compile(r"^Stopped execution of TB chain before 0x[0-9a-f]+ \[([0-9a-f]+)\]")
MARKER = re.compile(r"^\s*([0-9a-f]+):.*\bxchgw\s+%bx, %bx")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S.*)$")
FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
INSTALLED = "(a program of the row)"
# What says nothing about where the instructions of a kernel go: counted with what it was inlined into.
SMALL = re.compile(r"(^| )(std|__gnu_cxx)::|\b(Quantity|Strong|BitSet|Word)<|::raw$|^decltype$")
TELLING = 3  # instructions of an inlined function, from which on it is named


@dataclass(frozen=True)
class Place:
    """An instruction: its function in the symbol table, the innermost inlined one, its source line, its text."""

    function: str
    inlined: str
    line: str
    text: str


def tool(*command, text=None):
    """Standard output of a program of the tool chain."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout
    except FileNotFoundError as error:
        raise RowError(f"{command[0]} is not there (./fb shell has it)") from error
    except subprocess.CalledProcessError as error:
        raise RowError(f"{command[0]}: {error.stderr.strip()}") from error


def disassemble(image):
    """({address: (function, text)}, addresses of markers)."""
    places, markers, function = {}, set(), "?"
    for line in tool("llvm-objdump-19", "-d", "--no-show-raw-insn", "--no-leading-headers", "-C", str(image)).split("\n"):
        if match := FUNCTION.match(line):
            function = match[2]
        elif match := INSTRUCTION.match(line):
            places[int(match[1], 16)] = function, " ".join(match[2].split())
            if MARKER.match(line):
                markers.add(int(match[1], 16))
    return places, markers


def executed(log):
    """Addresses in the order of execution. A block that was stopped before its first instruction is logged again."""
    addresses = []
    for line in log:
        if match := EXECUTED.match(line):
            addresses.append(int(match[1], 16))
        elif (match := STOPPED.match(line)) and addresses:
            addresses.pop()
    return addresses


def between(addresses, markers):
    """What lies between the first two markers."""
    at = [i for i, address in enumerate(addresses) if address in markers]
    if len(at) < 2:
        raise RowError(f"the trace has {len(at)} markers, not 2: is this row traced?")
    return addresses[at[0] + 1:at[1]]


class Monitor:
    """QEMU's human monitor on a socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self._prompt()

    def _prompt(self):
        text = b""
        while not text.endswith(b"(qemu) "):
            data = self.socket.recv(4096)
            if not data:
                raise RowError("the emulator's monitor has gone")
            text += data

    def do(self, command):
        """Runs one command to its end."""
        self.socket.sendall(command.encode() + b"\n")
        self._prompt()


@contextmanager
def kernel_lines(build, row, seconds, extra):
    """(what the bench program of the kernel says, how to tell it to go on)."""
    with boot(build, row, "trace", extra) as emulator:
        yield Lines(emulator, seconds), lambda: emulator.console.send(b"g")


@contextmanager
def os_lines(build, row, seconds, extra):
    """The same of the program under the POSIX LibOS."""
    with feuerbird(build, ["--trace", row], seconds, extra=extra) as guest:
        yield guest, lambda: guest.type(b"g\n")


def record(start, build, row, seconds):
    """The addresses of all that the last repetition of a row executed; start: one of the two above."""
    with tempfile.TemporaryDirectory(prefix="fb-trace-") as folder:
        control, log = Path(folder, "monitor"), Path(folder, "log")
        extra = ["-chardev", f"socket,id=control,path={control},server=on,wait=off", "-mon", "chardev=control",
                 "-D", str(log)]
        with start(build, row, seconds, extra) as (lines, go_on):
            traced = False
            for line in lines:
                if line == "trace":
                    traced = True
                    monitor = Monitor(control)
                    monitor.do("one-insn-per-tb on")
                    monitor.do("log exec,nochain")
                    go_on()
                elif line.startswith("fail"):
                    raise RowError(": ".join(line.split("\t")[1:]))
            if not traced:
                raise RowError(f"{row} is not one operation: there is nothing to trace")
        with open(log, encoding="utf-8", errors="replace") as file:
            return executed(file)


def source_lines(image, addresses):
    """{address: (innermost inlined function that says something, file:line)}."""
    addresses = sorted(set(addresses))
    output = tool("llvm-symbolizer-19", f"--obj={image}", "-C", "--inlines", "--output-style=LLVM", "--relativenames",
                  text="\n".join(f"{address:#x}" for address in addresses) + "\n")
    found = {}
    for address, part in zip(addresses, output.split("\n\n")):
        lines = part.strip("\n").split("\n")
        functions = [short(name) for name in lines[::2]]
        telling = [name for name in functions if not SMALL.search(name)] or functions
        place = lines[1] if len(lines) > 1 else "?"
        found[address] = telling[0], ":".join(place.removeprefix(f"{REPO}/").split(":")[:2])
    return found


def without_parameters(name):
    """Up to the first parenthesis that is not in a template argument."""
    depth = 0
    for at, character in enumerate(name):
        if character == "(" and depth <= 0:
            return name[:at]
        depth += {"<": 1, ">": -1}.get(character, 0)
    return name


def short(name):
    """A function's name without its parameters and without the namespaces that they all have."""
    name = name.replace("(anonymous namespace)::", "").replace("::operator()", "")
    name = without_parameters(name.replace("fb::kernel::", "").replace("fb::core::", "").replace("fb::libos::posix::", ""))
    return name.replace("fb::abi::Reply ", "").replace("fb::", "")


def locate(addresses, images):
    """{address: Place}."""
    known = {}
    for image in images:
        code, _ = disassemble(image)
        mine = {address for address in addresses if address in code}
        lines = source_lines(image, mine) if mine else {}
        for address in mine:
            function, text = code[address]
            known[address] = Place(short(function), *lines.get(address, ("?", "?")), text)
    for address in set(addresses) - set(known):
        known[address] = Place(INSTALLED, INSTALLED, "?", "")
    return known


def report(row, addresses, places, every_instruction):
    """The lines of the report."""
    yield f"# {row}: {len(addresses)} instructions between the markers"
    yield "# in order: instructions, function"
    for function, run in groupby(addresses, key=lambda address: places[address].function):
        run = list(run)
        yield f"{len(run):7}  {function}"
        if every_instruction:
            for address in run:
                place = places[address]
                yield f"         {address:16x}  {place.text:<52} {place.line}  {place.inlined}"
    yield "# in all: instructions, function, and what was inlined into it (from three on)"
    for function, count in Counter(places[address].function for address in addresses).most_common():
        yield f"{count:7}  {function}"
        inner = Counter(places[a].inlined for a in addresses if places[a].function == function)
        for inlined, part in inner.most_common():
            if len(inner) > 1 and part >= TELLING:
                yield f"         {part:7}  {inlined}"


def trace(suite, build, row, seconds, every_instruction=False):
    """The report on one row of a suite; raises RowError."""
    images = build / "images"
    if suite == "locks":
        raise RowError(f"{row} is not one operation: there is nothing to trace")
    start, programs = {"kernel": (kernel_lines, [images / "bench_kernel.elf", images / "kernel.elf"]),
                       "os": (os_lines, [program(build), images / "kernel.elf", images / "posix.elf"])}[suite]
    for image in programs:
        if not os.path.isfile(image):
            raise RowError(f"not built: {image}")
    _, markers = disassemble(programs[0])
    addresses = between(record(start, build, row, seconds), markers)
    return report(row, addresses, locate(addresses, programs), every_instruction)

"""One row of the kernel suite in one boot: the bench program in QEMU, and what it said."""

import select
import time
from dataclasses import dataclass

from machine.emulator import Emulator, Machine

# With x2APIC the kernel sets its timer by WRMSR, and under -icount QEMU's translator (10.0) ends the machine there with
# "Bad icount read"; with the APIC in memory it does not. Of several -cpu the last one counts.
CPU = ["-cpu", "max,-erms,-fsrm,-fsrs,-fzrm,-fsrc,-x2apic"]


class RowError(Exception):
    """The row could not be measured, for people."""


@dataclass(frozen=True)
class Figure:
    """What the guest says of one row."""

    median: int
    worst: int
    repetitions: int
    disturbed: int


class Lines:
    """The guest's console, line by line, until a time that has been set."""

    def __init__(self, emulator, seconds):
        self.emulator = emulator
        self.until = time.monotonic() + seconds
        self.seconds = seconds
        self.rest = b""
        self.seen = []

    def __iter__(self):
        return self

    def __next__(self):
        while b"\n" not in self.rest:
            left = self.until - time.monotonic()
            if left <= 0 or not select.select([self.emulator.console], [], [], left)[0]:
                raise RowError(f"the guest said nothing more within {self.seconds:g} s; last: {self.tail()}")
            data = self.emulator.console.recv(65536)
            if not data:
                raise StopIteration
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        text = line.decode("utf-8", "replace").rstrip("\r")
        self.seen.append(text)
        return text

    def tail(self):
        """What there was to read at the end, for an error message."""
        lines = [line for line in [*self.seen[-12:], self.rest.decode("utf-8", "replace")] if line.strip()]
        return "\n  ".join(["", *lines]) if lines else "nothing"


def boot(build, row, arguments="", extra=(), cpus=1):
    """The emulator for a row; a context manager."""
    return Emulator(Machine(kernel=build / "images" / "kernel.elf", image=build / "bench" / "kernel.cpio", icount=True, cpus=cpus,
                            append=f"{row} {arguments}".strip(), extra=[*CPU, *extra]))


def measure(build, row, seconds, cpus=1):
    """({name: Figure}, [note]) of a row; most have one figure. Raises RowError."""
    figures, notes, done = {}, [], False
    with boot(build, row, cpus=cpus) as emulator:
        lines = Lines(emulator, seconds)
        for line in lines:
            kind, *fields = line.split("\t")
            if kind == "row" and len(fields) == 5:
                figures[fields[0]] = Figure(*map(int, fields[1:]))
            elif kind == "note":
                notes.append(fields[0])
            elif kind == "fail":
                raise RowError(": ".join(fields))
            elif kind == "done":
                done = True
        status = emulator.wait()
        if status != 0 or not done:
            complaint = emulator.complaints()
            raise RowError(f"the machine ended with status {status} {'after' if done else 'before'} the row was done"
                           f"{'; ' + complaint if complaint else ''}; last: {lines.tail()}")
    return figures, notes

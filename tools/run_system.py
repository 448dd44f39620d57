#!/usr/bin/env python3
"""Boots one system test and judges its TAP report.

usage: run_system.py [--build DIR] [--smp N] [--mem SIZE] [--timeout S] [--append WORDS] [--nmi-storm] NAME|IMAGE

NAME is that of fb_system_test, like laws/cap1. Passes (status 0) only if the plan came and every test of it reported
in order, none `not ok` (but `# TODO`), the kernel did not panic and the machine switched itself off with status 0:
a triple fault also ends the emulator with status 0, but never with a complete report."""

import argparse
import os
import re
import select
import signal
import sys
import time
from pathlib import Path

from fbsource import REPO
from machine.emulator import Emulator, EmulatorError, Machine
from machine.nmi import NmiStorm
from machine.output import PANIC

RESULT = re.compile(r"(not )?ok\b(?: +(\d+))?(?: +- +(.*))?$")
DIRECTIVE = re.compile(r"#\s*(TODO|SKIP)\b", re.IGNORECASE)
LEAST_NMIS = 100  # of a storm; fewer prove nothing
PLAN = re.compile(r"1\.\.(\d+)$")


class Report:
    """A TAP stream, read byte by byte as it comes."""

    def __init__(self):
        self.rest = b""
        self.plan = None
        self.seen = 0
        self.failed, self.todo, self.fixed, self.skipped = [], [], [], []
        self.problems = []
        self.panicked = False

    def feed(self, data):
        """Takes the next bytes of the console."""
        self.rest += data
        *lines, self.rest = self.rest.split(b"\n")
        for line in lines:
            self._line(line.decode("utf-8", "replace").rstrip("\r"))
        self.panicked = self.panicked or PANIC in self.rest

    def _line(self, line):
        self.panicked = self.panicked or PANIC.decode() in line
        if line.startswith("Bail out!"):
            self.problems.append(line)
        elif match := PLAN.match(line):
            if self.plan is not None:
                self.problems.append("a second plan")
            self.plan = int(match[1])
        elif match := RESULT.match(line):
            self._result(bool(match[1]), match[2], match[3] or "")

    def _result(self, bad, number, name):
        self.seen += 1
        if number is not None and int(number) != self.seen:
            self.problems.append(f"test {number} where {self.seen} was due")
        directive = DIRECTIVE.search(name)
        kind = directive[1].upper() if directive else ""
        if kind == "TODO":
            (self.todo if bad else self.fixed).append(name)
        elif bad:
            self.failed.append(name)
        elif kind == "SKIP":
            self.skipped.append(name)

    def verdict(self, emulator_status, timed_out):
        """Everything that is wrong; empty when the run has passed."""
        wrong = list(self.problems)
        if self.panicked:
            wrong.append("the kernel panicked")
        if timed_out:
            wrong.append("the time is over")
        elif emulator_status != 0:
            wrong.append(f"the emulator ended with status {emulator_status}")
        if self.plan is None:
            wrong.append("no plan")
        elif self.seen != self.plan:
            wrong.append(f"{self.seen} of {self.plan} tests reported")
        if self.plan == 0:
            wrong.append("an empty plan")
        wrong += [f"not ok: {name}" for name in self.failed]
        return wrong

    def summary(self):
        """One line of counts."""
        parts = [f"{self.seen - len(self.failed) - len(self.todo) - len(self.skipped)} passed"]
        for count, what in ((len(self.failed), "failed"), (len(self.todo), "to do"),
                            (len(self.skipped), "skipped"), (len(self.fixed), "to do, but passed")):
            if count:
                parts.append(f"{count} {what}")
        return ", ".join(parts)


def relay(emulator, report, deadline, out, storm=None):
    """Streams the console until the machine ends; True when the time was over first. A storm begins with the plan."""
    lines = {emulator.console, emulator.frames}
    control = [] if storm is None else [emulator.control]
    while lines:
        left = deadline - time.monotonic()
        if left <= 0:
            return True
        if storm is not None and report.plan is not None:
            storm.begin()
        for line in select.select(list(lines) + control, [], [], left)[0]:
            if line in control:
                if not storm.receive():
                    control = []
                continue
            try:
                data = line.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                lines.discard(line)
            elif line is emulator.console:
                out.write(data)
                out.flush()
                report.feed(data)
    report.feed(b"\n")  # a last line without its end
    return False


def run(machine, timeout, out):
    """(report, what is wrong with the run)."""
    report = Report()
    with Emulator(machine) as emulator:
        storm = NmiStorm(emulator.control) if machine.control else None
        timed_out = relay(emulator, report, time.monotonic() + timeout, out, storm)
        status = 0 if timed_out else emulator.wait()
        if status not in (0, 3) and not report.panicked and emulator.complaints():
            report.problems.append(emulator.complaints())
    if storm is not None:
        report.problems += storm.problems(LEAST_NMIS)
        out.write(f"# {storm.injected} NMIs were injected into each CPU\n".encode())
    return report, report.verdict(status, timed_out)


def parse(arguments):
    """The options."""
    parser = argparse.ArgumentParser(prog="run_system.py", description="Boots one system test and judges its report.")
    parser.add_argument("--build", type=Path, default=REPO / "build" / "kernel")
    parser.add_argument("--kernel", type=Path)
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--mem", default="256M")
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--icount", action="store_true", help="count instructions instead of time: repeatable")
    parser.add_argument("--append", default="", help="the kernel's command line")
    parser.add_argument("--nmi-storm", action="store_true", help="inject NMIs into all CPUs while the test runs")
    parser.add_argument("test", help="name of a system test, or the path of a boot image")
    return parser.parse_args(arguments)


def main(arguments):
    """Returns the exit status."""
    options = parse(arguments)
    image = Path(options.test)
    if image.suffix != ".cpio":
        image = options.build / "system" / f"{options.test.replace('/', '_')}.cpio"
    machine = Machine(kernel=options.kernel or options.build / "images" / "kernel.elf", image=image,
                      cpus=options.smp, memory=options.mem, icount=options.icount, append=options.append,
                      control=options.nmi_storm)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # unwinds: the emulator goes too
    started = time.monotonic()
    try:
        report, wrong = run(machine, options.timeout, sys.stdout.buffer)
    except EmulatorError as error:
        print(f"run_system: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE
    print(f"# {'FAILED' if wrong else 'passed'}: {options.test}, {options.smp} CPU{'s' if options.smp > 1 else ''}: "
          f"{report.summary()} ({time.monotonic() - started:.1f} s)")
    for problem in wrong:
        print(f"#   {problem}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""Boots FeuerBird: `./fb run [OPTION...] [-- CMD ARG...]`. Exit status: the guest's; 124 when --timeout passed, 125
after a kernel panic, 126 when the emulator failed, 130 when stopped from the keyboard, 2 for a wrong option."""

import argparse
import os
import re
import signal
import sys
from pathlib import Path

from fbsource import REPO
from machine.emulator import Emulator, EmulatorError, Machine
from machine.output import CommandOutput, Everything
from machine.session import EMULATOR_FAILED, Session
from machine.terminal import Keys, RawTerminal

BUILD = REPO / "build" / "kernel"
MAX_CPUS = 16
COMMAND_LINE_LIMIT = 511


def cpu_count(text):
    """1 to 16."""
    if not text.isdigit() or not 1 <= int(text) <= MAX_CPUS:
        raise argparse.ArgumentTypeError(f"{text}: from 1 to {MAX_CPUS} processors")
    return int(text)


def memory_size(text):
    """As QEMU takes it, with a unit."""
    if not re.fullmatch(r"[1-9][0-9]*[MG]", text):
        raise argparse.ArgumentTypeError(f"{text}: a size like 512M or 2G")
    return text


def seconds(text):
    """More than none."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text}: a number of seconds")
    return value


def parse(arguments):
    """(options, command or None): everything after -- is the guest's command."""
    command = None
    if "--" in arguments:
        at = arguments.index("--")
        arguments, command = arguments[:at], arguments[at + 1:]
        if not command:
            raise SystemExit("fb: error: run: a command must follow --")
    parser = argparse.ArgumentParser(prog="./fb run", description="Boots FeuerBird in an emulator.")
    parser.add_argument("--smp", type=cpu_count, default=1, metavar="N", help="processors (1)")
    parser.add_argument("--mem", type=memory_size, default="512M", metavar="SIZE", help="memory (512M)")
    parser.add_argument("--icount", action="store_true",
                        help="count instructions instead of time: exact and repeatable, one processor")
    parser.add_argument("--timeout", type=seconds, metavar="S", help="stop after that many seconds")
    parser.add_argument("--config", metavar="NAME", help="boot configuration, a file of the boot image (boot.conf)")
    parser.add_argument("--append", default="", metavar="WORDS", help="more words for the kernel's command line")
    parser.add_argument("--build", type=Path, default=BUILD, help=argparse.SUPPRESS)
    parser.add_argument("--kernel", type=Path, help="another kernel")
    parser.add_argument("--image", type=Path, help="another boot image")
    parser.add_argument("words", nargs="*", metavar="CMD", help="after --: a command for the guest")
    options = parser.parse_args(arguments)
    if options.words:
        parser.error(f"what is {options.words[0]}? A guest command follows --: ./fb run -- {' '.join(options.words)}")
    if options.icount and options.smp != 1:
        parser.error("--icount counts one processor: leave --smp away")
    if options.config is not None and not re.fullmatch(r"[^\s]+", options.config):
        parser.error("--config: a file name without blanks")
    return options, command


def command_line(options, command):
    """The kernel's. A word with a blank in it cannot be told from two: the guest splits at blanks."""
    words = [options.append] if options.append else []
    if options.config:
        words.append(f"config={options.config}")
    if command is not None:
        for word in command:
            if not word or re.search(r"\s", word):
                raise SystemExit(f"fb: error: run: the guest's command line cannot carry blanks in a word: {word!r}")
        words += ["--", *command]
    line = " ".join(words)
    if len(line.encode()) > COMMAND_LINE_LIMIT:
        raise SystemExit(f"fb: error: run: the command line is longer than {COMMAND_LINE_LIMIT} bytes")
    return line


def stop_on_signals():
    """Termination unwinds like an exception: the terminal and the emulator are taken care of."""
    def stop(number, _frame):
        raise SystemExit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop)


def main(arguments):
    """Returns the exit status."""
    options, command = parse(arguments)
    machine = Machine(kernel=options.kernel or options.build / "images" / "kernel.elf",
                      image=options.image or options.build / "image.cpio",
                      cpus=options.smp, memory=options.mem, icount=options.icount,
                      append=command_line(options, command))
    interactive = command is None and os.isatty(0)
    if interactive:
        print("fb: Ctrl-A x stops the machine; every other key is the guest's", file=sys.stderr)
    stop_on_signals()
    try:
        with Emulator(machine) as emulator, RawTerminal(0 if interactive else -1):
            session = Session(emulator, CommandOutput() if command is not None else Everything(),
                              Keys(interactive), (0, 1, 2), options.timeout)
            result = session.run()
    except EmulatorError as error:
        print(f"fb: error: {error}", file=sys.stderr)
        return EMULATOR_FAILED
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    if result.message:
        print(f"fb: {result.message}", file=sys.stderr)
    return result.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

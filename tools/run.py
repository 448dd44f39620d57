#!/usr/bin/env python3
"""Boots FeuerBird: `./fb run [OPTION...] [-- CMD ARG... | ./PROGRAM ARG...]`. Exit status: the guest's; 124 when --timeout
passed, 125 after a kernel panic, 126 when the emulator failed, 130 when stopped from the keyboard, 2 for a wrong option."""

import argparse
import os
import re
import shutil
import signal
import stat
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from fbsource import REPO
from image import elf, newc, tree
from machine import guest
from machine.emulator import Emulator, EmulatorError, Machine
from machine.output import CommandOutput, Everything
from machine.session import EMULATOR_FAILED, Session
from machine.terminal import Keys, RawTerminal

BUILD = REPO / "build" / "kernel"
MAX_CPUS = 16
COMMAND_LINE_LIMIT = 511
MEGABYTE = 1 << 20
SMALLEST_MEMORY = 512
SHELL, DEBIAN_SHELL = "/bin/sh", "/bin/bash"


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


def make_parser():
    """Of the options."""
    parser = argparse.ArgumentParser(prog="./fb run", usage="./fb run [OPTION...] [-- CMD ARG... | ./PROGRAM ARG...]",
                                     description="Boots FeuerBird in an emulator.", allow_abbrev=False)
    parser.add_argument("--smp", type=cpu_count, default=1, metavar="N", help="processors (1)")
    parser.add_argument("--mem", type=memory_size, metavar="SIZE", help="memory (512M, more with --rootfs and --add)")
    parser.add_argument("--rootfs", type=Path, metavar="ARCHIVE", help=argparse.SUPPRESS)
    parser.add_argument("--add", action="append", default=[], metavar="HOST[:GUEST]",
                        help="bring a file or folder into the guest (/root/NAME)")
    parser.add_argument("--out", action="append", default=[], metavar="GUEST[:HOST]",
                        help="bring a file or folder of the guest back when the command has ended")
    parser.add_argument("--file", action="append", default=[], metavar="NAME=PATH",
                        help="another file of the boot image; a folder becomes an archive of what is in it")
    parser.add_argument("--icount", action="store_true",
                        help="count instructions instead of time: exact and repeatable, one processor")
    parser.add_argument("--timeout", type=seconds, metavar="S", help="stop after that many seconds")
    parser.add_argument("--verbose", action="store_true", help="what the machine has to say, too")
    parser.add_argument("--config", metavar="NAME", help="boot configuration: a file of the boot image (boot.conf), or with a slash one of this machine")
    parser.add_argument("--append", default="", metavar="WORDS", help="more words for the kernel's command line")
    parser.add_argument("--build", type=Path, default=BUILD, help=argparse.SUPPRESS)
    parser.add_argument("--kernel", type=Path, help="another kernel")
    parser.add_argument("--image", type=Path, help="another boot image")
    return parser


def split(parser, arguments):
    """(options, words of the guest or None, whether they begin with a program of this machine)."""
    takes_value = {name for action in parser._actions if action.nargs is None for name in action.option_strings}
    at = 0
    while at < len(arguments):
        word = arguments[at]
        if word == "--":
            if at + 1 == len(arguments):
                parser.error("a command must follow --")
            return arguments[:at], arguments[at + 1:], False
        if not word.startswith("-"):
            if "/" not in word:
                parser.error(f"what is {word}? A command of the guest follows --: ./fb run -- {word}; "
                             f"a program of this machine has a slash: ./fb run ./{word}")
            return arguments[:at], arguments[at:], True
        at += 2 if word in takes_value else 1
    return arguments, None, False


def parse(arguments):
    """(options, words of the guest or None, whether they begin with a program of this machine)."""
    parser = make_parser()
    given, words, ours = split(parser, arguments)
    options = parser.parse_args(given)
    if options.icount and options.smp != 1:
        parser.error("--icount counts one processor: leave --smp away")
    if options.config is not None and not re.fullmatch(r"\S+", options.config):
        parser.error("--config: a file name without blanks")
    # Another configuration or image may have no shell to offer.
    if words is None and options.config is None and options.image is None:
        words = [SHELL if options.rootfs is None else DEBIAN_SHELL, "-l"]
    if words is None and (options.out or options.add):
        parser.error("--add and --out go with a command")
    return options, words, ours


def command_line(options, has_command):
    """The kernel's."""
    words = [options.append] if options.append else []
    if options.config:
        words.append(f"config={os.path.basename(options.config)}")
    if has_command:
        words.append(f"command={guest.COMMAND}")
    line = " ".join(words)
    if len(line.encode()) > COMMAND_LINE_LIMIT:
        raise guest.GuestError(f"--append: the kernel's command line is longer than {COMMAND_LINE_LIMIT} bytes")
    return line


def terminal_size():
    """(rows, columns) of the terminal that the guest is to have, or None."""
    if not (os.isatty(0) and os.isatty(1)):
        return None
    columns, rows = shutil.get_terminal_size()
    return rows, columns


def is_file(descriptor):
    """Whether it is open, and a regular file."""
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def temporary_file(stack, write):
    """The path of a file without a name, which `write` has written."""
    file = stack.enter_context(tempfile.TemporaryFile())
    write(file)
    file.flush()
    return Path(f"/proc/self/fd/{file.fileno()}")


def warn_about(skipped, option):
    """What is neither file nor folder nor link stays here."""
    for path in skipped:
        print(f"fb: warning: {option}: {path}: left out: not a file, folder or link", file=sys.stderr)


def more_files(options, stack):
    """Members of the boot image that the options name."""
    arguments = list(options.file)
    if options.config and "/" in options.config:
        arguments.append(f"{os.path.basename(options.config)}={options.config}")
    members, skipped = [], []
    for argument in arguments:
        name, _, path = argument.partition("=")
        found = guest.on_host(path)
        if not name or not path:
            raise guest.GuestError(f"--file: {argument}: expected NAME=PATH")
        if found.is_dir():
            taken = list(tree.take(found.resolve(), ".", skipped))
            found = temporary_file(stack, lambda file, taken=taken: newc.write(file, taken))
        elif not found.is_file():
            raise guest.GuestError(f"{path}: no such file or folder")
        members.append(newc.file(name, found))
    warn_about(skipped, "--file")
    if options.rootfs is not None:
        members.append(newc.file(guest.ROOT, options.rootfs))
    return members


def command_files(options, words, ours, stack):
    """(members of the boot image, the guest's command)."""
    added = guest.Added()
    for argument in options.add:
        added.bring(argument)
    if ours:
        words = [added.program(words[0]), *words[1:]]
    warn_about(added.skipped, "--add")
    terminal = terminal_size()
    environment = [f"TERM={os.environ['TERM']}"] if terminal and os.environ.get("TERM") else []
    command = guest.Command(words, environment, terminal=terminal, input=added.input(0) if is_file(0) else "",
                            wanted=[path for path, _ in guest.out_places(options.out)])
    members = [newc.file(guest.COMMAND, command.encode())]
    if added.members:
        members.append(newc.file(guest.ADDED, temporary_file(stack, added.archive)))
    return members, command


def build_image(options, members, stack):
    """The boot image with all that this run adds, open."""
    base = options.image or options.build / "image.cpio"
    if not base.is_file():
        raise EmulatorError(f"the boot image is not built: {base} (./fb build kernel)")
    image = stack.enter_context(tempfile.TemporaryFile())
    newc.extend(image, base, members)
    image.flush()
    return image


def fitting_memory(image):
    """What --mem is when nobody says: the image is in memory twice, as an archive and as files."""
    size = os.fstat(image.fileno()).st_size // MEGABYTE
    return f"{SMALLEST_MEMORY + (size * 5 // 2 if size > SMALLEST_MEMORY // 8 else 0)}M"


def stop_on_signals():
    """Termination unwinds like an exception: the terminal and the emulator are taken care of."""
    def stop(number, _frame):
        raise SystemExit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop)


def start(options, words, ours, stack):
    """(machine, its output, whether a person types)."""
    image = options.image or options.build / "image.cpio"
    output, command, inherited = Everything(), None, []
    members = more_files(options, stack)
    if words is not None:
        of_command, command = command_files(options, words, ours, stack)
        members += of_command
    if members:
        made = build_image(options, members, stack)
        image, inherited = Path(f"/proc/self/fd/{made.fileno()}"), [made.fileno()]
        options.mem = options.mem or fitting_memory(made)
    if words is not None:
        output = CommandOutput(stack.enter_context(tempfile.TemporaryFile()) if options.out else None,
                               options.verbose)
    machine = Machine(kernel=options.kernel or options.build / "images" / "kernel.elf", image=image,
                      cpus=options.smp, memory=options.mem or f"{SMALLEST_MEMORY}M", icount=options.icount,
                      append=command_line(options, words is not None), inherited=inherited)
    return machine, output, os.isatty(0) and (command is None or command.terminal is not None)


def run(options, words, ours, stack):
    """The exit status."""
    machine, output, interactive = start(options, words, ours, stack)
    if interactive:
        print("fb: Ctrl-A x stops the machine; every other key is the guest's", file=sys.stderr)
    with Emulator(machine) as emulator, RawTerminal(0 if interactive else -1):
        session = Session(emulator, output, Keys(interactive), (0, 1, 2), options.timeout, options.verbose)
        if interactive:
            signal.signal(signal.SIGWINCH, lambda *_: session.resize(*(terminal_size() or (0, 0))))
        result = session.run()
    if result.message:
        for note in session.notes if not options.verbose else ():
            print(f"[root] {note.decode(errors='replace')}", file=sys.stderr)
        print(f"fb: {result.message}", file=sys.stderr)
    elif options.out:
        wrong = guest.bring_back(output.files, guest.out_places(options.out))
        for line in wrong:
            print(f"fb: error: {line}", file=sys.stderr)
        return result.status or (1 if wrong else 0)
    return result.status


def main(arguments):
    """Returns the exit status."""
    options, words, ours = parse(arguments)
    stop_on_signals()
    try:
        with ExitStack() as stack:
            return run(options, words, ours, stack)
    except EmulatorError as error:
        print(f"fb: error: {error}", file=sys.stderr)
        return EMULATOR_FAILED
    except (guest.GuestError, newc.ArchiveError, elf.ElfError) as error:
        print(f"fb: error: run: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

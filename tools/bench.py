#!/usr/bin/env python3
"""Measures: `./fb bench [SUITE...]`. Prints tab-separated rows; the exit status is 1 when one could not be measured,
2 for a wrong option. A target that is missed is printed and is no error."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from fbsource import REPO  # noqa: E402
from bench import kernel, locks, os as os_suite  # noqa: E402
from bench.guest import RowError  # noqa: E402
from bench.table import HEADER, update  # noqa: E402
from bench.trace import trace  # noqa: E402
from machine.emulator import EmulatorError  # noqa: E402
from run import stop_on_signals  # noqa: E402

BUILD = REPO / "build" / "kernel"
SUITES = {"kernel": kernel, "os": os_suite, "locks": locks}
DEFAULT = ["kernel"]  # os needs a kernel of somebody else; locks are a comparison that seldom changes


def parse(arguments):
    """The options, checked."""
    parser = argparse.ArgumentParser(prog="./fb bench", description="Measures and prints rows.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"{', '.join(SUITES)}; kernel when none is named")
    parser.add_argument("--rows", metavar="NAME[,NAME]", help="these rows only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too, with all that is known")
    parser.add_argument("--update", type=Path, metavar="FILE", help="make the tables of a document anew")
    parser.add_argument("--trace", metavar="ROW", help="do not measure: name the instructions of one operation")
    parser.add_argument("--asm", action="store_true", help="with --trace: every instruction")
    parser.add_argument("--timeout", type=float, default=300, metavar="S", help="seconds for each row (300)")
    parser.add_argument("--peer", default="", metavar="KERNEL", help=argparse.SUPPRESS)
    parser.add_argument("--build", type=Path, default=BUILD, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.suites = options.suites or DEFAULT
    for suite in options.suites:
        if suite not in SUITES:
            parser.error(f"no such suite: {suite} (there are: {', '.join(SUITES)})")
    options.names = {suite: list(SUITES[suite].ROWS) for suite in options.suites}
    wanted = options.rows.split(",") if options.rows else []
    for name in [*wanted, *([options.trace] if options.trace else [])]:
        if not any(name in names for names in options.names.values()):
            known = " ".join(name for names in options.names.values() for name in names)
            parser.error(f"no such row: {name} (there are: {known})")
    if wanted:
        options.names = {suite: [name for name in names if name in wanted] for suite, names in options.names.items()}
    return options


def write(path, text):
    """Whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def update_document(path, rows):
    """The tables of the suites that were measured."""
    text = path.read_text(encoding="utf-8")
    for suite in dict.fromkeys(row.suite for row in rows):
        text = update(text, suite, [row for row in rows if row.suite == suite])
    write(path, text)


def main(arguments):
    """Returns the exit status."""
    options = parse(arguments)
    stop_on_signals()  # no emulator outlives us
    rows, failed = [], {}
    try:
        if options.trace:
            suite = next(suite for suite, names in options.names.items() if options.trace in names)
            for line in trace(suite, options.build, options.trace, options.timeout, options.asm):
                print(line)
            return 0
        print(HEADER, flush=True)
        for suite in options.suites:
            peer = {"peer": Path(options.peer) if options.peer else None} if suite == "os" else {}
            made, bad = SUITES[suite].run(options.build, options.names[suite], options.timeout,
                                          emit=lambda line: print(line, flush=True), **peer)
            rows += made
            failed |= bad
        if options.json:
            write(options.json, json.dumps({"rows": [row.as_json() for row in rows], "failed": failed}, indent=2) + "\n")
        if options.update and not failed:
            update_document(options.update, rows)
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except (RowError, EmulatorError, OSError, ValueError) as error:
        print(f"fb: error: bench: {error}", file=sys.stderr)
        return 1
    missed = [row.name for row in rows if row.met is False]
    print(f"# {len(rows)} rows; targets missed: {', '.join(missed) or 'none'}"
          + (f"; not measured: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

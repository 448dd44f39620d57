"""The suite `locks`: what spin locks cost, and how fair they are, on one to four processors of the same emulator."""

import sys

from bench.guest import RowError, measure
from bench.table import Peer, Row

ROWS = {"locks-1": 1, "locks-2": 2, "locks-3": 3, "locks-4": 4}  # processors
LOCKS = ("quaternion", "ticket", "mcs", "test-and-set")
REFERENCE = "ticket"  # what the kernel uses
UNITS = {"turn": "instructions/turn", "jain": "Jain's index x 1000", "wait": "turns of others"}


def make_rows(processors, figures):
    """The rows of one boot: a turn's instructions and how fair it was, beside the ticket lock in the same boot."""
    rows = []
    for kind, unit in UNITS.items():
        for lock in LOCKS:
            figure = figures.get(f"{lock}-{kind}")
            if figure is None:
                continue
            other = figures.get(f"{REFERENCE}-{kind}")
            peer = None
            if kind == "turn" and lock != REFERENCE and other:
                peer = Peer(REFERENCE, other.median, "measured in the same boot")
            rows.append(Row("locks", f"{lock}-{processors}-{kind}", figure.median, unit, figure.worst, figure.repetitions,
                            figure.disturbed, peer))
    return rows


def run(build, names, seconds, emit=print, complain=None):
    """Measures the rows; returns (rows, {name: why it failed}). Each line is emitted when it is known."""
    complain = complain or (lambda text: print(text, file=sys.stderr))
    rows, failed = [], {}
    for name in names:
        try:
            figures, _ = measure(build, name, seconds, cpus=ROWS[name])
        except RowError as error:
            failed[name] = str(error)
            complain(f"fb: error: bench: {name}: {error}")
            continue
        made = make_rows(ROWS[name], figures)
        rows += made
        for row in made:
            emit(row.line())
    return rows, failed

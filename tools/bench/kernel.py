"""The suite `kernel`: instructions per operation of ring 0, as ring 3 sees them."""

import sys

from bench.guest import RowError, measure
from bench.table import Peer, Row

ISSUE = "known figures of others in the same emulator (project issue 2, Speed)"
UNIT = "instructions"
FLAT = 1.1  # revocation is flat when its cost with descendants is within this of its cost without


def peer(name, value):
    """A figure of the issue's table."""
    return Peer(name, value, ISSUE)


# name -> (most instructions, peer). In the order of the issue.
ROWS = {
    "cap-check": (25, None),
    "null-call": (90, peer("L4Re syscall", 147)),
    "gate-roundtrip": (300, peer("seL4", 423)),
    "gate-10-words": (350, peer("seL4 one way", 877)),
    "event-wake": (250, peer("seL4 at best", 425)),
    "context-roundtrip": (130, peer("seL4 fault round trip", 1367)),
    "map-1": (400, peer("seL4", 823)),
    "map-512": (150, peer("seL4", 807)),
    "derive": (150, None),
    "revoke-0": ("flat", None),
    "revoke-100": ("flat", None),
    "revoke-10000": ("flat", None),
    "revoke-mapped-512": (None, None),
    "irq-off-max": (20_000, None),
    "boot": (20_000_000, None),
}
UNITS = {"map-512": "instructions/page", "revoke-mapped-512": "instructions/page"}


def make_row(name, figure, notes):
    """The table's row; figures beside the named one (revoke-N-whole) have no target."""
    target, other = ROWS.get(name, (None, None))
    row = Row("kernel", name, figure.median, UNITS.get(name, UNIT), figure.worst, figure.repetitions, figure.disturbed,
              other, notes=notes)
    if isinstance(target, int):
        row.target, row.met = f"<= {target}", row.value <= target
    return row


def judge_flatness(rows):
    """Revocation is one step whatever the number of descendants: compares with none."""
    base = next((row.value for row in rows if row.name == "revoke-0"), None)
    for row in rows:
        if base is not None and ROWS.get(row.name, (None,))[0] == "flat":
            row.target, row.met = f"<= {FLAT:g} x revoke-0", row.value <= FLAT * base


def run(build, names, seconds, emit=print, complain=None):
    """Measures the rows; returns (rows, {name: why it failed}). Each line is emitted when it is known."""
    complain = complain or (lambda text: print(text, file=sys.stderr))
    rows, failed, flat = [], {}, []
    for name in names:
        try:
            figures, notes = measure(build, name, seconds)
            if name not in figures:
                raise RowError("the guest measured something else")
        except RowError as error:
            failed[name] = str(error)
            complain(f"fb: error: bench: {name}: {error}")
            continue
        made = [make_row(each, figure, notes if each == name else []) for each, figure in figures.items()]
        rows += made
        flat += [row for row in made if ROWS.get(row.name, (None,))[0] == "flat"]
        judge_flatness(flat)
        for row in made:
            emit(row.line())
        for note in notes:
            emit(f"# {note}")
    return rows, failed

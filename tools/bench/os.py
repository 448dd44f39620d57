"""The suite `os`: what a Linux program pays for an operation of its kernel, FeuerBird beside Debian's Linux."""

import sys
from dataclasses import dataclass
from functools import partial

from bench.guest import RowError
from bench.machines import MEMORY, feuerbird, linux
from bench.table import Peer, Row

THIRD = "third"  # of the peer's
SOURCE = "measured in the same call, in the same emulator"
# name -> the most that is good, in the row's unit. In the order of the issue.
ROWS = {
    "getppid": 170, "clock-gettime": 40, "pread-1": THIRD, "pread-4k": 700, "open-close": THIRD, "stat": THIRD,
    "mmap-touch-page": THIRD, "pipe-self": THIRD, "pipe-pingpong": 2000, "signal-self": THIRD,
    "thread-create-join": THIRD, "fork-exit-wait": THIRD, "vfork-exec-exit": THIRD, "page-fault": THIRD,
    "futex-pingpong": THIRD, "unix-pingpong": THIRD, "epoll-wake": THIRD, "select-100": THIRD, "exec-dynamic": THIRD,
    "boot": 50_000_000, "memory-idle": 65_536, "copy-file": None, "copy-pipe": None,
}
WALL = ("copy-file", "copy-pipe")  # measured without -icount
UNITS = {"memory-idle": "KiB", **dict.fromkeys(WALL, "us")}


@dataclass(frozen=True)
class Figure:
    """What the program says of a row."""

    least: int
    worst: int
    batches: int


def read(lines, figures, failed):
    """Takes what the program says; the row that it was at when its lines ended, None when it was done."""
    at = ""
    for line in lines:
        kind, *fields = line.split("\t")
        if kind == "begin" and fields:
            at = fields[0]
        elif kind == "row" and len(fields) == 4:
            figures[fields[0]] = Figure(*map(int, fields[1:]))
        elif kind == "fail":
            failed[at or "start"] = ": ".join(fields)
        elif kind == "done":
            at = None
    return at


def collect(boot, names, seconds):
    """({name: Figure}, {name: why not}); one boot for all, and another one after a row that ended the machine."""
    figures, failed, left = {}, {}, list(names)
    while left:
        try:
            with boot(words=left, seconds=seconds) as lines:
                at = read(lines, figures, failed)
        except RowError as error:
            at = next((name for name in left if name not in figures and name not in failed), None)
            failed.setdefault(at, str(error))
        if at is None:
            break
        if at == "":
            failed.update({name: failed.get("start", "the program did not begin") for name in left})
            break
        failed.setdefault(at, "the program ended in it")
        left = left[left.index(at) + 1:]
    if "memory-idle" in figures:  # the program says what is free
        used = MEMORY * 1024 - figures["memory-idle"].least
        figures["memory-idle"] = Figure(used, used, 1)
    return figures, {name: why for name, why in failed.items() if name in names}


def make_row(name, figure, other):
    """The table's row; without the peer a third of it is no target."""
    row = Row("os", name, figure.least, UNITS.get(name, "instructions"), figure.worst, figure.batches, 0, other)
    target = ROWS[name]
    if target == THIRD and other is not None:
        row.target, row.met = "<= peer / 3", row.value * 3 <= other.value
    elif isinstance(target, int):
        row.target, row.met = f"<= {target}", row.value <= target
    return row


def peers(path, build, names, seconds, complain):
    """{name: Peer}; nothing without the peer's kernel."""
    if path is None or not path.is_file():
        complain("fb: warning: bench: the peer's kernel is not there (no package archive?): rows come without ratio")
        return {}
    release = path.name.partition("-")[2].partition("+")[0]
    found = {}
    for icount in (True, False):
        chosen = [name for name in names if (name not in WALL) == icount]
        figures, failed = collect(partial(linux, path, build, icount=icount), chosen, seconds)
        found |= {name: Peer(f"Linux {release}", figure.least, SOURCE) for name, figure in figures.items()}
        for name, why in failed.items():
            complain(f"fb: warning: bench: {name}: the peer: {why}")
    return found


def run(build, names, seconds, emit=print, complain=None, peer=None):
    """Measures the rows; returns (rows, {name: why it failed})."""
    complain = complain or (lambda text: print(text, file=sys.stderr))
    others = peers(peer, build, names, seconds, complain)
    rows, failed = [], {}
    for icount in (True, False):
        chosen = [name for name in names if (name not in WALL) == icount]
        figures, bad = collect(partial(feuerbird, build, icount=icount), chosen, seconds)
        failed |= bad
        for name in chosen:
            if name in figures:
                rows.append(make_row(name, figures[name], others.get(name)))
                emit(rows[-1].line())
            else:
                failed.setdefault(name, "the program did not come to it")
                complain(f"fb: error: bench: {name}: {failed[name]}")
    return rows, failed

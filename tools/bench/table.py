"""Rows: what was measured, beside what others need and what was promised."""

import re
from dataclasses import asdict, dataclass, field

HEADER = "# suite\tname\tvalue\tunit\tpeer\tratio\tworst\ttarget"


@dataclass(frozen=True)
class Peer:
    """Somebody else's figure in the same unit, and where it is from."""

    name: str
    value: float
    source: str


@dataclass
class Row:
    """One line of the table. value is the median."""

    suite: str
    name: str
    value: int
    unit: str
    worst: int
    repetitions: int
    disturbed: int
    peer: Peer | None = None
    target: str = ""
    met: bool | None = None
    notes: list = field(default_factory=list)

    @property
    def ratio(self):
        """value / the peer's; None without one."""
        return self.value / self.peer.value if self.peer else None

    def line(self):
        """The six columns of DESIGN §13, then the worst repetition and the verdict; - where there is nothing to say."""
        peer = f"{self.peer.name} {self.peer.value:g}" if self.peer else "-"
        ratio = f"{self.ratio:.2f}" if self.peer else "-"
        verdict = "-" if self.met is None else f"{self.target}: {'met' if self.met else 'missed'}"
        return "\t".join((self.suite, self.name, str(self.value), self.unit, peer, ratio, str(self.worst), verdict))

    def as_json(self):
        """For --json."""
        return asdict(self) | {"ratio": self.ratio}


def markdown(rows):
    """A table for docs/benchmarks.md, with what the rows remarked below it."""
    yield "| row | median | worst | unit | target | | peer | ratio |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        verdict = {None: "", True: "met", False: "**missed**"}[row.met]
        peer = f"{row.peer.name} {row.peer.value:,g}" if row.peer else ""
        ratio = f"{row.ratio:.2f}" if row.peer else ""
        yield (f"| `{row.name}` | {row.value:,} | {row.worst:,} | {row.unit} | {row.target} | {verdict} | {peer} "
               f"| {ratio} |")
    notes = dict.fromkeys(note for row in rows for note in row.notes)
    if notes:
        yield ""
        yield from (f"- {note}" for note in notes)


def update(text, suite, rows):
    """The text with what is between the suite's two comments made anew; ValueError when they are not there."""
    begin, end = f"<!-- {suite}: begin -->", f"<!-- {suite}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"no place for the table: {begin} ... {end}")
    table = "\n".join(markdown(rows))
    return pattern.sub(lambda _: f"{begin}\n{table}\n{end}", text)

"""One static program on two kernels: FeuerBird with its POSIX instance, and the peer, Debian's Linux. Both in the same
emulator with the same processor; what they differ in is the kernel and what it boots."""

import select
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import run
from bench.guest import Lines, RowError
from image import newc
from machine import streams
from machine.emulator import Emulator, Machine
from machine.output import ERR

MEMORY = 512  # MB
# Nothing that would make it slower than it has to be: what it says while it boots stays away.
LINUX = "console=ttyS0 quiet tsc=reliable panic=-1 --"


def program(build, name="bench_os"):
    """What runs on both."""
    path = build / "bench" / "os" / name
    if not path.is_file():
        raise RowError(f"not built: {path} (./fb build kernel)")
    return path


def dynamic_members(build):
    """The program of exec-dynamic and its libraries, which FeuerBird's image has already."""
    loader, library = "lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6"
    return [newc.folder("lib64"), newc.folder("lib"), newc.folder("lib/x86_64-linux-gnu"),
            *(newc.file(name, Path("/", name), 0o755) for name in (loader, library)),
            newc.file("bench_dynamic", program(build, "bench_dynamic"), 0o755)]


class Guest:
    """The lines of the program under FeuerBird; iterable."""

    def __init__(self, emulator, output, seconds):
        self.emulator = emulator
        self.output = output
        self.seconds = seconds
        self.until = time.monotonic() + seconds
        self.rest = b""
        self.complaint = b""

    def __iter__(self):
        """RowError when the time is over, or the machine ends before the program is done."""
        lines = {self.emulator.console, self.emulator.frames}
        while lines:
            left = self.until - time.monotonic()
            ready = select.select(list(lines), [], [], left)[0] if left > 0 else []
            if not ready:
                raise RowError(f"the guest was not done within {self.seconds:g} s")
            for line in ready:
                data = line.recv(65536)
                if not data:
                    lines.discard(line)
                elif line is self.emulator.console:
                    yield from self._split(self.output.feed(data))
        yield from self._split(self.output.finish())

    def _split(self, pieces):
        self.complaint += b"".join(data for where, data in pieces if where == ERR)
        self.rest += b"".join(data for where, data in pieces if where != ERR)
        *whole, self.rest = self.rest.split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace").rstrip("\r")

    def type(self, data):
        """Its standard input."""
        self.emulator.console.send(streams.encode(data))


@contextmanager
def feuerbird(build, words, seconds, icount=True, extra=()):
    """A Guest whose program gets these words."""
    with ExitStack() as stack:
        options, command, ours = run.parse(["--build", str(build), "--mem", f"{MEMORY}M", *(["--icount"] if icount else []),
                                            "--add", f"{program(build, 'bench_dynamic')}:/bench_dynamic",
                                            str(program(build)), *words])
        machine, output, _ = run.start(options, command, ours, stack)
        machine.extra += extra
        yield Guest(stack.enter_context(Emulator(machine)), output, seconds)


@contextmanager
def linux(kernel, build, words, seconds, icount=True):
    """The lines of the program as Linux's first process."""
    with tempfile.TemporaryDirectory(prefix="fb-bench-") as folder:
        archive = Path(folder, "init.cpio")
        with open(archive, "wb") as output:
            newc.write(output, [newc.file("init", program(build), 0o755), *dynamic_members(build)])
        machine = Machine(kernel=kernel, image=archive, memory=f"{MEMORY}M", icount=icount,
                          append=f"{LINUX} {' '.join(words)}")
        with Emulator(machine) as emulator:
            yield Lines(emulator, seconds)

"""One run: keys to the guest, its console to us, its frames read, its end found out."""

import os
import select
import time
from dataclasses import dataclass

from machine import frames, streams
from machine.emulator import PANIC_STATUS
from machine.output import ERR, OUT

TIMED_OUT, PANICKED, EMULATOR_FAILED, STOPPED = 124, 125, 126, 130


@dataclass
class Result:
    """How a run ended."""

    status: int
    message: str = ""


class Session:
    """Relays until the machine ends, the time is over or the user stops it."""

    def __init__(self, emulator, output, keys, descriptors, timeout=None, verbose=False):
        """output: see machine.output; descriptors: (input or None, output, errors); verbose: shows notes of the machine's."""
        self.emulator = emulator
        self.output = output
        self.keys = keys
        self.input, self.out, self.err = descriptors
        self.deadline = None if timeout is None else time.monotonic() + timeout
        self.typed = b""  # not yet for the guest: it is not ready
        self.pending = b""  # as the guest wants it, not yet taken
        self.ended = False  # there is no more input
        self.size = None  # what the terminal's new size is, as long as the guest has not been told
        self.verbose = verbose
        self.notes = []
        self.parser = frames.FrameParser()
        self.status = None

    def run(self):
        """Returns a Result."""
        open_lines = {self.emulator.console, self.emulator.frames}
        while open_lines:
            left = None if self.deadline is None else self.deadline - time.monotonic()
            if left is not None and left <= 0:
                self._show(self.output.finish())
                return Result(TIMED_OUT, "the time is over: the machine was stopped")
            readers = list(open_lines)
            if self.input is not None and len(self.pending) + len(self.typed) < 4096:
                readers.append(self.input)
            self._prepare()
            writers = [self.emulator.console] if self.pending else []
            readable, writable, _ = select.select(readers, writers, [], left)
            if self.input in readable and self._type():
                return Result(STOPPED, "stopped")
            for line in (line for line in readable if line in open_lines):
                if not self._receive(line):
                    open_lines.discard(line)
                    self.input, self.pending = None, b""  # nobody reads it any more
            if writable:
                self._send()
        self._show(self.output.finish())
        return self._result(self.emulator.wait())

    def resize(self, rows, columns):
        """The terminal has another size."""
        self.size = (rows, columns)

    def _type(self):
        """Takes what was typed. True when it says to stop."""
        try:
            data = os.read(self.input, 4096)
        except OSError:
            data = b""  # a terminal that is gone, a folder, nothing
        if not data:
            self.input = None
            self.ended = True
            return False
        data, stop = self.keys.feed(data)
        self.typed += data
        return stop

    def _prepare(self):
        """Makes input of what was typed, once it is known how the guest wants it."""
        if not self.output.ready:
            return
        data, self.typed = self.typed, b""
        if not self.output.streams:
            self.pending += data
            return
        self.pending += streams.encode(data)
        if self.size is not None:
            self.pending += streams.size(*self.size)
            self.size = None
        if self.ended:
            self.pending += streams.END
            self.ended = False

    def _send(self):
        try:
            self.pending = self.pending[self.emulator.console.send(self.pending):]
        except BlockingIOError:
            pass
        except OSError:
            self.pending = b""  # the machine has ended; the read side finds out

    def _receive(self, line):
        """False at the line's end."""
        try:
            data = line.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if line is self.emulator.console:
            self._show(self.output.feed(data))
        else:
            for kind, payload in self.parser.feed(data):
                self._frame(kind, payload)
        return bool(data)

    def _frame(self, kind, payload):
        if kind == frames.STATUS:
            self.status = frames.status_of(payload)
        elif kind == frames.LOG:
            self._show([(ERR, b"[root] " + payload + b"\n")])
        elif kind == frames.NOTE:
            if self.verbose:
                self._show([(ERR, b"[root] " + payload + b"\n")])
            self.notes.append(payload)

    def _show(self, pieces):
        for where, data in pieces:
            while data:
                data = data[os.write(self.out if where == OUT else self.err, data):]

    def _result(self, emulator_status):
        if emulator_status == PANIC_STATUS or self.output.panicked:
            return Result(PANICKED, "the kernel panicked; its report is above")
        if emulator_status != 0:
            return Result(EMULATOR_FAILED, f"the emulator failed with status {emulator_status}: "
                                           f"{self.emulator.complaints() or 'it said nothing'}")
        if self.status is None:
            return Result(PANICKED, "the machine ended without a status")
        return Result(self.status)

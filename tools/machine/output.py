"""What becomes of the guest's console: shown as it is, or cut down to one command's output."""

from machine import streams

BEGIN = b"\x1b_fb:begin\x1b\\"
STREAMS = b"\x1b_fb:streams\x1b\\"
OUT, ERR = 1, 2  # where a piece goes: standard output, standard error
PANIC = b"*** FeuerBird kernel panic"


class Everything:
    """For people: all of it, as it comes."""

    def __init__(self):
        self.panicked = False
        self.ready = False  # what is typed before the guest has set its port up would be lost
        self.streams = False
        self.tail = b""

    def feed(self, data):
        """[(OUT or ERR, bytes)], in order."""
        self.ready = True
        self.panicked = self.panicked or PANIC in self.tail + data
        self.tail = (self.tail + data)[-len(PANIC):]
        return [(OUT, data)]

    def finish(self):
        """What was held back."""
        return []


class CommandOutput:
    """For commands: what follows the mark, byte for byte; boot messages are kept for when the mark never comes. The other mark
    says that several streams follow, and that input goes by their rules (machine.streams)."""

    def __init__(self, files=None, log=False):
        """files: a binary file for the stream of files; log: the instance's own lines are shown, too."""
        self.panicked = False
        self.ready = False
        self.streams = False
        self.held = b""
        self.files = files
        self.log = log
        self.parser = streams.StreamParser()

    def feed(self, data):
        """[(OUT or ERR, bytes)], in order."""
        self.held += data
        if not self.ready and not self._begin():
            self.panicked = PANIC in self.held
            return []
        if self.panicked:
            return [(ERR, self._take(len(self.held)))]
        at = self.held.find(PANIC)
        if at >= 0:
            self.panicked = True
            return self._split(self._take(at)) + [(ERR, self._take(len(self.held)))]
        # The beginning of a panic may be what has come so far.
        keep = next((size for size in range(min(len(PANIC), len(self.held)), 0, -1)
                     if self.held.endswith(PANIC[:size])), 0)
        return self._split(self._take(len(self.held) - keep))

    def _begin(self):
        marks = [(self.held.find(mark), mark) for mark in (BEGIN, STREAMS) if mark in self.held]
        if not marks:
            return False
        at, mark = min(marks)
        self.ready = True
        self.streams = mark == STREAMS
        self.held = self.held[at + len(mark):]
        return True

    def _split(self, data):
        if not self.streams:
            return [(OUT, data)]
        shown = []
        for stream, piece in self.parser.feed(data):
            if stream in (streams.OUTPUT, streams.ERROR):
                shown.append((OUT if stream == streams.OUTPUT else ERR, piece))
            elif stream == streams.FILES and self.files is not None:
                self.files.write(piece)
            elif stream == streams.LOG and self.log:
                shown.append((ERR, piece))
        return shown

    def _take(self, count):
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def finish(self):
        """What was held back: the command's, or why it never began."""
        held = self._take(len(self.held))
        return self._split(held) if self.ready and not self.panicked else [(ERR, held)]

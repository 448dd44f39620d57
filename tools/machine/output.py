"""What becomes of the guest's console: shown as it is, or cut down to one command's output."""

BEGIN = b"\x1b_fb:begin\x1b\\"
PANIC = b"*** FeuerBird kernel panic"


class Everything:
    """For people: all of it, as it comes."""

    def __init__(self):
        self.panicked = False
        self.tail = b""

    def feed(self, data):
        """(for standard output, for standard error)."""
        self.panicked = self.panicked or PANIC in self.tail + data
        self.tail = (self.tail + data)[-len(PANIC):]
        return data, b""

    def finish(self):
        """What was held back."""
        return b"", b""


class CommandOutput:
    """For `-- CMD`: what follows the mark, byte for byte; boot messages are kept for when the mark never comes."""

    def __init__(self):
        self.panicked = False
        self.begun = False
        self.held = b""

    def feed(self, data):
        """(for standard output, for standard error)."""
        self.held += data
        if not self.begun:
            start = self.held.find(BEGIN)
            if start < 0:
                self.panicked = PANIC in self.held
                return b"", b""
            self.begun = True
            self.held = self.held[start + len(BEGIN):]
        if self.panicked:
            return b"", self._take(len(self.held))
        at = self.held.find(PANIC)
        if at >= 0:
            self.panicked = True
            output = self._take(at)
            return output, self._take(len(self.held))
        # The beginning of a panic may be what has come so far.
        keep = next((size for size in range(min(len(PANIC), len(self.held)), 0, -1)
                     if self.held.endswith(PANIC[:size])), 0)
        return self._take(len(self.held) - keep), b""

    def _take(self, count):
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def finish(self):
        """What was held back: the command's, or why it never began."""
        held = self._take(len(self.held))
        return (held, b"") if self.begun and not self.panicked else (b"", held)

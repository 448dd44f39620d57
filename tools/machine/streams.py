"""The console's line when it carries several streams (docs/running.md); the guest's end is libos/posix/console/streams.hpp."""

ESCAPE = 0x10
OUTPUT, ERROR, FILES, LOG = "1", "2", "3", "4"
END = bytes((ESCAPE, ord("e")))


def encode(data):
    """Bytes of the input."""
    return data.replace(bytes((ESCAPE,)), bytes((ESCAPE, ESCAPE)))


def size(rows, columns):
    """Says that the terminal has that size from now on."""
    return bytes((ESCAPE, ord("w"))) + rows.to_bytes(2, "little") + columns.to_bytes(2, "little")


class StreamParser:
    """Feed it bytes as they come; it gives them back by stream."""

    def __init__(self):
        self.stream = OUTPUT
        self.escaped = False

    def feed(self, data):
        """A list of (stream, bytes) in the order in which they were written. An unknown stream is passed over."""
        pieces = []
        while data:
            if self.escaped:
                self.escaped = False
                if data[0] == ESCAPE:
                    pieces.append((self.stream, data[:1]))
                else:
                    self.stream = chr(data[0])
                data = data[1:]
                continue
            at = data.find(ESCAPE)
            piece = data if at < 0 else data[:at]
            if piece:
                pieces.append((self.stream, piece))
            self.escaped = at >= 0
            data = b"" if at < 0 else data[at + 1:]
        return pieces

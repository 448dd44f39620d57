"""The frames of the second serial line: SOH, type, length (two bytes, little-endian), payload, EOT.

See docs/running.md; the guest's end is libos/root/frame.hpp.
"""

SOH, EOT = 0x01, 0x04
MAX_PAYLOAD = 4096
STATUS, LOG, NOTE = "S", "L", "N"


class FrameParser:
    """Feed it bytes as they come; it gives (type, payload) of each whole frame. Garbage between frames is skipped."""

    def __init__(self):
        self.buffer = bytearray()
        self.skipped = 0

    def feed(self, data):
        """A list of the frames that these bytes complete."""
        self.buffer += data
        frames = []
        while True:
            start = self.buffer.find(SOH)
            self._skip(len(self.buffer) if start < 0 else start)
            if len(self.buffer) < 4:
                return frames
            size = self.buffer[2] | self.buffer[3] << 8
            if size > MAX_PAYLOAD:
                self._skip(1)
                continue
            if len(self.buffer) < size + 5:
                return frames
            if self.buffer[4 + size] != EOT:
                self._skip(1)
                continue
            frames.append((chr(self.buffer[1]), bytes(self.buffer[4:4 + size])))
            del self.buffer[:size + 5]

    def _skip(self, count):
        self.skipped += count
        del self.buffer[:count]


def status_of(payload):
    """The exit status in a status frame: 0 to 255, or None when it is none."""
    return int.from_bytes(payload, "little", signed=True) & 0xFF if len(payload) == 4 else None

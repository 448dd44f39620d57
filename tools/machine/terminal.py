"""The host's terminal while it is the guest's: every key goes through, and it is put back whatever happens."""

import os
import termios

ESCAPE = 0x01  # Ctrl-A


class RawTerminal:
    """A context manager. Output processing stays on, so that a guest's newline is a newline here."""

    def __init__(self, fd):
        self.fd = fd
        self.saved = None

    def __enter__(self):
        if self.fd >= 0 and os.isatty(self.fd):
            self.saved = termios.tcgetattr(self.fd)
            raw = termios.tcgetattr(self.fd)
            raw[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INLCR | termios.ISTRIP | termios.IXON)
            raw[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
            raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self.fd, termios.TCSADRAIN, raw)
        return self

    def __exit__(self, *_):
        if self.saved is not None:
            termios.tcsetattr(self.fd, termios.TCSADRAIN, self.saved)


class Keys:
    """Ctrl-A x ends the machine, Ctrl-A Ctrl-A (or Ctrl-A a) types a Ctrl-A; all else is the guest's."""

    def __init__(self, interactive):
        self.interactive = interactive
        self.escaped = False

    def feed(self, data):
        """(bytes for the guest, whether to end)."""
        if not self.interactive:
            return data, False
        out = bytearray()
        for byte in data:
            if self.escaped:
                self.escaped = False
                if byte in b"xX":
                    return bytes(out), True
                out.append(ESCAPE)
                if byte not in (ESCAPE, ord("a")):
                    out.append(byte)
            elif byte == ESCAPE:
                self.escaped = True
            else:
                out.append(byte)
        return bytes(out), False

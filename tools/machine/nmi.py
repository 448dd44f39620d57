"""A storm of NMIs: QEMU is told over its control line (QMP) to inject one into every CPU, again and again."""

import json


class NmiStorm:
    """Begun, it injects the next NMI whenever QEMU has answered for the last one."""

    def __init__(self, line):
        """line: a non-blocking socket, see Emulator.control."""
        self.line = line
        self.rest = b""
        self.begun = False
        self.ready = False
        self.injected = 0
        self.refused = None

    def begin(self):
        """From now on; does nothing the second time."""
        if not self.begun:
            self.begun = True
            self._execute("qmp_capabilities")

    def receive(self):
        """Takes what has come. False at the line's end."""
        try:
            data = self.line.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.rest += data
        *lines, self.rest = self.rest.split(b"\n")
        for answer in map(json.loads, lines):
            self._answer(answer)
        return bool(data)

    def problems(self, least):
        """What is wrong if it was to inject at least so many."""
        if self.refused is not None:
            return [f"no NMI was injected: {self.refused}"]
        return [f"only {self.injected} NMIs were injected, not {least}"] if self.injected < least else []

    def _answer(self, answer):
        if "error" in answer:
            self.refused = answer["error"].get("desc", "QEMU refused")
        elif "return" in answer:  # anything else is the greeting or an event
            self.injected += self.ready
            self.ready = True
            self._execute("inject-nmi")

    def _execute(self, command):
        try:
            self.line.send(json.dumps({"execute": command}).encode() + b"\n")
        except OSError:
            pass  # the machine has ended; the read side finds out
